package membudget_test

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asynchandler/asynchandler/membudget"
)

func Example() {
	budget := membudget.New(64<<20, membudget.Options{})
	record := slog.NewRecord(time.Now(), slog.LevelInfo, "order placed", 0)
	n := membudget.SizeOf(record)
	if budget.TryAcquire(n) { // else there is no room for the record
		fmt.Println("waiting:", budget.Used() == n)
		budget.Release(n)
	}
	fmt.Println(budget.Used(), "bytes in use")
	// Output:
	// waiting: true
	// 0 bytes in use
}

// The function is called once for a budget that stays full, not for each refusal.
func ExampleNew() {
	budget := membudget.New(250, membudget.Options{
		OnExceeded: func(used, limit int64) { fmt.Printf("full: %d of %d bytes are in use\n", used, limit) },
	})
	for i := range 4 {
		record := slog.NewRecord(time.Now(), slog.LevelInfo, strings.Repeat("x", 92), 0)
		fmt.Println(i, budget.TryAcquire(membudget.SizeOf(record)))
	}
	// Output:
	// 0 true
	// 1 true
	// full: 200 of 250 bytes are in use
	// 2 false
	// 3 false
}

// However much one user wants, a quarter of the limit is kept for each of the two.
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

// What a share holds when it leaves stays in use until it is released.
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

// Strings and byte slices count with their length.
func ExampleSizeOf() {
	record := slog.NewRecord(time.Now(), slog.LevelInfo, "hello", 0)
	small := membudget.SizeOf(record)
	record.AddAttrs(slog.Any("body", make([]byte, 10_000)))
	fmt.Println(small < 100, membudget.SizeOf(record) > 10_000)
	// Output: true true
}

// A limit that grows with the machine or the container.
func ExampleSystemLimit() {
	budget := membudget.New(membudget.SystemLimit(0.01), membudget.Options{}) // 1% of what the process may use
	fmt.Println(budget.Limit() > 0)
	// Output: true
}
