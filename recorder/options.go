package recorder

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Options configures [New]. The zero value works: each field says what zero means. New
// panics on a negative number, and on levels that are out of order.
type Options struct {
	// Name of the handler in Stats and metrics, made valid UTF-8. "" means "default".
	Name string
	// Level is the level from which on records go to next as they come; lower ones are
	// kept. nil means [slog.LevelInfo].
	Level slog.Leveler
	// Keep is the level from which on the handler is enabled: lower records are not even
	// made. It must not be above Level. nil means [slog.LevelDebug].
	Keep slog.Leveler
	// Trigger is the level from which on a record lets out what was kept in its scope. It
	// must not be below Level. nil means [slog.LevelError].
	//
	// The three may be changed while the handler is in use, as a [slog.LevelVar] can. Out of
	// order then, Trigger counts before Level, and Level before Keep.
	Trigger slog.Leveler
	// Scope returns the scope that a record belongs to, from the context of the log call and
	// on its goroutine: any comparable value, such as a trace id. If it returns nil, panics,
	// or returns what cannot be compared or is not equal to itself (NaN), the record belongs
	// to the scope of [Begin], else to the one for all. nil means just these two.
	Scope func(context.Context) any
	// MaxRecords is the most records kept in a scope: of more, the oldest are evicted. 0
	// means 256.
	MaxRecords int
	// MaxScopes is the most scopes that have something kept: of more, the one that was quiet
	// longest is evicted with all it has. 0 means 10,000.
	MaxScopes int
	// MaxBytes is the most bytes that the kept records of all scopes may hold, as estimated.
	// For want of room a scope that has more than its equal share loses its own oldest
	// record, else the scope that was quiet longest does. 0 means 16 MiB.
	MaxBytes int64
	// MaxAge is the time after which a kept record is not let out any more. No timer runs: it
	// is evicted by a later call. 0 means no limit.
	MaxAge time.Duration
}

// withDefaults returns o with every zero field replaced.
func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "default"
	}
	o.Name = strings.ToValidUTF8(o.Name, "\uFFFD")
	o.Level = levelOr(o.Level, slog.LevelInfo)
	o.Keep = levelOr(o.Keep, slog.LevelDebug)
	o.Trigger = levelOr(o.Trigger, slog.LevelError)
	if keep, level := o.Keep.Level(), o.Level.Level(); keep > level {
		panic(fmt.Sprintf("recorder: New: Keep %v is above Level %v", keep, level))
	}
	if trigger, level := o.Trigger.Level(), o.Level.Level(); trigger < level {
		panic(fmt.Sprintf("recorder: New: Trigger %v is below Level %v", trigger, level))
	}
	o.MaxRecords = orDefault("MaxRecords", o.MaxRecords, 256)
	o.MaxScopes = orDefault("MaxScopes", o.MaxScopes, 10_000)
	o.MaxBytes = orDefault("MaxBytes", o.MaxBytes, 16<<20)
	o.MaxAge = orDefault("MaxAge", o.MaxAge, 0)
	return o
}

func levelOr(l slog.Leveler, otherwise slog.Level) slog.Leveler {
	if l == nil {
		return otherwise
	}
	return l
}

func orDefault[T int | int64 | time.Duration](field string, value, otherwise T) T {
	if value < 0 {
		panic(fmt.Sprintf("recorder: New: %s %v: want 0 or more", field, value))
	}
	if value == 0 {
		return otherwise
	}
	return value
}
