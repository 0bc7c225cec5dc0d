// Command mutants breaks the code of this module in named ways, one at a time, and shows
// which test notices each:
//
//	go run ./internal/mutants                  all of them
//	go run ./internal/mutants -run '^ring: '   those whose name matches
//	go run ./internal/mutants -check           only whether each applies and compiles
//
// It works on copies of the module. A mutant that no test notices has survived; then the
// exit code is 1, as it is if a mutant does not apply or compile because the code has moved
// on. The tests of this package find out sooner if one does not apply.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"sync"
	"time"
)

// mutant is one way to break the code.
type mutant struct {
	name     string
	breaks   string // the promise that it breaks, in words
	file     string
	old, new string // old occurs once in file
	tests    string // the packages whose tests must notice it
	race     bool   // only the race detector can
	excuse   string // why no test can, for one that changes nothing that is promised
}

var mutants = slices.Concat(deliveryMutants, outageMutants, lifecycleMutants, contentMutants, aroundMutants)

var (
	only    = flag.String("run", "", "only the mutants whose name matches this `regexp`")
	check   = flag.Bool("check", false, "run no tests, only compile them")
	workers = flag.Int("workers", 2, "how many mutants to try at the same time")
	timeout = flag.Duration("timeout", 2*time.Minute, "of the tests of one mutant; one that makes them hang is caught too")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	name, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return !name.MatchString(m.name) })
	temp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // the system clears it up some day
	labs, err := newLabs(ctx, temp, *workers)
	if err != nil {
		return err
	}
	if err := labs[0].checkUnbroken(ctx, chosen); err != nil {
		return err
	}
	results := tryAll(ctx, labs, chosen)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return report(results)
}

// tryAll tries the mutants, as many at a time as there are labs, and returns the results in
// the order of the mutants.
func tryAll(ctx context.Context, labs []*lab, chosen []mutant) []result {
	results := make([]result, len(chosen))
	next := make(chan int)
	var wg sync.WaitGroup
	for _, l := range labs {
		wg.Go(func() {
			for i := range next {
				results[i] = l.try(ctx, &chosen[i])
				fmt.Printf("%5.1fs  %s: %s\n", results[i].took.Seconds(), chosen[i].name, results[i])
			}
		})
	}
	for i := range chosen {
		next <- i
	}
	close(next)
	wg.Wait()
	return results
}

// report prints the table, and returns an error if a mutant was not caught.
func report(results []result) error {
	bad := 0
	fmt.Print("\n| mutant | what it breaks | caught by | seconds |\n|---|---|---|---|\n")
	for _, r := range results {
		if r.verdict == survived || r.verdict == unusable {
			bad++
		}
		fmt.Printf("| %s | %s | %s | %.0f |\n", r.name, r.breaks, r, r.took.Seconds())
	}
	fmt.Printf("\n%d mutants, %d not caught\n", len(results), bad)
	if bad > 0 {
		return fmt.Errorf("%d of %d mutants were not caught", bad, len(results))
	}
	return nil
}
