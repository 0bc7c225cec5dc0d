// Command benchmarks compares asynchandler with other ways to log: what a call costs, how long
// it can take, how much gets through, and what is lost. It prints Markdown tables.
//
//	go run . [-quick] [-rounds n] [-scenario regexp] [-peer regexp]
//	go run . -records [-rounds n] [-scenario regexp]
//
// Each scenario and contender runs in a process of its own, once in each round, in an order
// that moves on from round to round. A ratio compares two processes of one round; what is
// printed is the median of the rounds.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
)

func main() {
	if isChild() {
		exitOn(runChild())
		return
	}
	quick := flag.Bool("quick", false, "small sizes: shows that everything works, not how fast")
	rounds := flag.Int("rounds", 5, "how often each process is run")
	scenario := flag.String("scenario", "", "only scenarios whose name this regular expression matches")
	records := flag.Bool("records", false, "only the records that services log, beside slog's own handler and the peers in one process")
	peer := flag.String("peer", "", "only contenders whose name this regular expression matches, and those they are compared with")
	flag.Parse()

	scenarioNames, err := regexp.Compile(*scenario)
	exitOn(err)
	peerNames, err := regexp.Compile(*peer)
	exitOn(err)
	fmt.Print(environment(*rounds, *quick))
	if *records {
		exitOn(printRecords(scenarioNames.MatchString, effortOf(*rounds, *quick)))
		return
	}
	for _, f := range families(scenarioNames) {
		results, err := measure(f, peerNames, *rounds, *quick)
		exitOn(err)
		fmt.Print(report(f, results))
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
