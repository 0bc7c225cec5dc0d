package breaker

import (
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	defaultFailures = 5 // in a row
	defaultTimeout  = 5 * time.Second
)

func withDefaults(s gobreaker.Settings) gobreaker.Settings {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"Timeout", s.Timeout},
		{"Interval", s.Interval},
		{"BucketPeriod", s.BucketPeriod},
	} {
		if f.value < 0 {
			panic(fmt.Sprintf("breaker: Settings.%s(%v): want >= 0", f.name, f.value))
		}
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	if s.MaxRequests == 0 {
		s.MaxRequests = 1
	}
	return s
}

func tooManyFailures(counts gobreaker.Counts) bool {
	return counts.ConsecutiveFailures >= defaultFailures
}
