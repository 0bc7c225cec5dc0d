package membudget_test

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asynchandler/asynchandler/membudget"
)

func Example() {
	budget := membudget.New(250, membudget.Options{
		OnExceeded: func(used, limit int64) { fmt.Printf("full: %d of %d bytes are in use\n", used, limit) },
	})
	for i := range 3 {
		record := slog.NewRecord(time.Now(), slog.LevelInfo, strings.Repeat("x", 92), 0)
		fmt.Println(i, budget.TryAcquire(membudget.SizeOf(record)))
	}
	// Output:
	// 0 true
	// 1 true
	// full: 200 of 250 bytes are in use
	// 2 false
}

func ExampleBudget_Join() {
	budget := membudget.New(100, membudget.Options{})
	greedy, modest := budget.Join(), budget.Join()
	defer greedy.Leave()
	defer modest.Leave()

	for greedy.TryAcquire(1) { // all it can get
	}
	fmt.Println(greedy.Used(), modest.TryAcquire(25), modest.TryAcquire(1))
	// Output: 75 true false
}

func ExampleShare_Leave() {
	budget := membudget.New(100, membudget.Options{})
	share := budget.Join()
	share.TryAcquire(40)
	share.Leave()
	fmt.Println(budget.Used(), share.TryAcquire(1))
	share.Release(40)
	fmt.Println(budget.Used())
	// Output:
	// 40 false
	// 0
}

func ExampleSizeOf() {
	record := slog.NewRecord(time.Now(), slog.LevelInfo, "hello", 0)
	small := membudget.SizeOf(record)
	record.AddAttrs(slog.Any("body", make([]byte, 10_000)))
	fmt.Println(small < 100, membudget.SizeOf(record) > 10_000)
	// Output: true true
}

func ExampleSystemLimit() {
	budget := membudget.New(membudget.SystemLimit(0.01), membudget.Options{}) // 1% of what the process may use
	fmt.Println(budget.Limit() > 0)
	// Output: true
}
