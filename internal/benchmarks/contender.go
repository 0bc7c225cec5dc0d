package main

import (
	"io"
	"os"
	"runtime"
)

// A contender is one way to log.
type contender struct {
	name string
	open func(sink) (*subject, error)
}

// The contenders that others are compared with.
const (
	floorName = "slog floor"
	syncName  = "slog JSON"
)

// contenders are in the order of the tables.
var contenders = []contender{
	{floorName, openFloor},
	{syncName, openSync},
	{"slog JSON + bufio", openBufio},
	{"channel", openChannel},
	{"channel + bufio", openBufferedChannel},
	{"zap", openZap},
	{"zap via slog", openZapSlog},
	{"zerolog diode", openZerolog},
	{"zerolog diode via slog", openZerologSlog},
	{"phuslu/log", openPhuslu},
	{"phuslu/log via slog", openPhusluSlog},
	{"OpenTelemetry via slog", openOtel},
	{oursName, openOurs},
	{oursFastName, openOursFast},
}

// A subject is a contender that is ready to log.
type subject struct {
	logger
	// flush returns when all of the sent calls were written, if nothing is dropped.
	flush func(sent int) error
	// close returns when all that was taken is written.
	close func() error
	// dropped is how many records the contender says it lost; nil if it does not say.
	dropped func() uint64
}

// A logger makes one log call, in the words of its library. n is an attribute of each, by which
// the lines are told apart.
type logger interface {
	log3(n int) // 3 attributes: string, int, duration
	log5(n int) // and bool, string
	log8(n int) // and string, int, float
	error3(n int)
}

// A sink is where the lines of a contender end, and what it may do until they get there.
type sink struct {
	path     string    // of a new file, if not ""
	w        io.Writer // otherwise
	capacity int       // records that may wait
	drop     bool      // do not wait for room, where the contender leaves the choice
}

// open returns the writer, and what closes it.
func (s sink) open() (io.Writer, func() error, error) {
	if s.path == "" {
		return s.w, func() error { return nil }, nil
	}
	f, err := os.Create(s.path)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// openWarm returns a subject that has logged, and written, the numbers below first: as many
// as may wait, so that all memory of its queue was touched. What a scenario measures begins
// at first.
func (c contender) openWarm(s sink, b bench) (_ *subject, first int, _ error) {
	subject, err := c.open(s)
	if err != nil {
		return nil, 0, err
	}
	first = min(s.capacity, b.size(s.capacity, 500))
	logAll(subject.logger, logger.log3, 1, 0, first)
	err = subject.flush(first)
	runtime.GC()
	return subject, first, err
}
