//go:build unix

package process_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

const (
	manyLines = 2000 // far more than a pipe has room for
	fewLines  = 20
)

var (
	unhurried = asynchandler.WithCloseTimeout(time.Minute) // however busy the machine is
	hurried   = asynchandler.WithCloseTimeout(50 * time.Millisecond)
	syncError = asynchandler.WithSyncLevel(slog.LevelError)
)

// programs are main functions that end in the ways in which processes end.
var programs = map[string]func(){
	"documented": func() { os.Exit(service(untilSignal, unhurried)) },
	"hurried":    func() { os.Exit(service(untilSignal, hurried)) },
	"failing": func() {
		os.Exit(service(afterLines(func(*asynchandler.Handler) error { return errors.New("no more") }), unhurried))
	},
	"panic on the main goroutine": func() {
		os.Exit(service(afterLines(func(*asynchandler.Handler) error { panic("on the main goroutine") }), unhurried))
	},
	"log.Fatal after Close": func() {
		service(afterLines(func(h *asynchandler.Handler) error {
			if err := h.Close(); err != nil {
				return err
			}
			log.Fatal("fatal")
			return nil
		}), unhurried)
	},

	"os.Exit": func() {
		service(afterLines(func(*asynchandler.Handler) error {
			os.Exit(3)
			return nil
		}))
	},
	"log.Fatal": func() {
		service(afterLines(func(*asynchandler.Handler) error {
			log.Fatal("fatal")
			return nil
		}))
	},
	"panic on another goroutine": func() {
		service(afterLines(func(*asynchandler.Handler) error {
			go panic("on another goroutine")
			select {}
		}))
	},

	"sync log.Fatal": func() {
		slog.SetLogLoggerLevel(slog.LevelError)
		service(func(context.Context, *asynchandler.Handler) error {
			logNumbers(fewLines)
			log.Fatal("fatal")
			return nil
		}, syncError)
	},
	"sync panic on another goroutine": func() {
		service(func(context.Context, *asynchandler.Handler) error {
			logNumbers(fewLines)
			go func() {
				defer func() {
					r := recover()
					slog.Error("recovered")
					panic(r)
				}()
				panic("on another goroutine")
			}()
			select {}
		}, syncError)
	},

	"SIGPIPE ignored": func() {
		signal.Ignore(syscall.SIGPIPE)
		os.Exit(service(afterLines(untilFailure), hurried))
	},
	"stdout closed": func() {
		must(os.Stdout.Close())
		os.Exit(service(afterLines(untilFailure), hurried))
	},
	"killed": untilKilled,
}

// untilSignal logs, and ends after SIGTERM.
func untilSignal(ctx context.Context, h *asynchandler.Handler) error {
	logNumbers(manyLines)
	tell("logged", h)
	<-ctx.Done()
	slog.Info("stopped")
	return nil
}

// untilFailure waits until the worker has tried: Close has little time, and the worker may
// have had none.
func untilFailure(h *asynchandler.Handler) error {
	for h.Stats().DeliveryErrors == 0 {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// afterLines logs, and then does something else.
func afterLines(end func(h *asynchandler.Handler) error) func(context.Context, *asynchandler.Handler) error {
	return func(_ context.Context, h *asynchandler.Handler) error {
		logNumbers(manyLines)
		tell("logged", h)
		return end(h)
	}
}

// A program that ends by way of Close loses nothing, even if most of its log waits when
// its end begins.
func TestProcessThatClosesLosesNothing(t *testing.T) { // P9
	tests := []struct {
		program string
		signal  os.Signal
		end     string
		last    []string // lines that follow the numbered ones
	}{
		{"documented", syscall.SIGTERM, "exit status 0", []string{"stopped"}},
		{"documented", os.Interrupt, "exit status 0", []string{"stopped"}},
		{"failing", nil, "exit status 1", []string{"service failed"}},
		{"panic on the main goroutine", nil, "exit status 2", nil},
		{"log.Fatal after Close", nil, "exit status 1", []string{"fatal"}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s, signal %v", tt.program, tt.signal), func(t *testing.T) {
			c := startChild(t, tt.program)
			s := c.told(t, "logged")
			require.Positive(t, s.Depth, "nobody has read, so that most lines wait")
			if tt.signal != nil {
				require.NoError(t, c.cmd.Process.Signal(tt.signal))
			}
			numbers, others := readLog(t, c.read(t))
			require.Equal(t, tt.end, c.ended(), "%s", &c.stderr)
			assert.Equal(t, testsink.Span(0, manyLines), numbers)
			assert.Equal(t, tt.last, others)
		})
	}
}

// A program that ends without Close loses what waits, and nothing but that.
func TestProcessThatDoesNotCloseLosesWhatWaits(t *testing.T) { // P3
	tests := []struct {
		program, end string
	}{
		{"os.Exit", "exit status 3"},
		{"log.Fatal", "exit status 1"}, // its own line waits too
		{"panic on another goroutine", "exit status 2"},
	}
	for _, tt := range tests {
		t.Run(tt.program, func(t *testing.T) {
			c := startChild(t, tt.program)
			s := c.told(t, "logged")
			require.Equal(t, tt.end, c.ended(), "%s", &c.stderr)
			numbers, others := readLog(t, c.read(t))
			lost := manyLines - len(numbers)
			t.Logf("%d of %d lines lost; %d waited shortly before the end", lost, manyLines, s.Depth)
			assert.Equal(t, testsink.Span(0, len(numbers)), numbers)
			assert.Empty(t, others)
			assert.LessOrEqual(t, lost, s.Depth)
			assert.Positive(t, lost, "nobody has read before the end")
		})
	}
}

// WithSyncLevel gets the last line out, with all before it, where nobody calls Close. It
// waits for 1 s at most, which a busy machine may use up: so there are some tries.
func TestSyncLevelGetsTheLastLineOut(t *testing.T) {
	tests := []struct {
		program, end, last string
	}{
		{"sync log.Fatal", "exit status 1", "fatal"},
		{"sync panic on another goroutine", "exit status 2", "recovered"},
	}
	for _, tt := range tests {
		t.Run(tt.program, func(t *testing.T) {
			var numbers []int
			var others []string
			for range 5 {
				c := startChild(t, tt.program)
				out := c.read(t)
				require.Equal(t, tt.end, c.ended(), "%s", &c.stderr)
				if numbers, others = readLog(t, out); len(others) > 0 {
					break
				}
			}
			assert.Equal(t, testsink.Span(0, fewLines), numbers)
			assert.Equal(t, []string{tt.last}, others)
		})
	}
}
