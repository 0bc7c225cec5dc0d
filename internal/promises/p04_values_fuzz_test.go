package promises_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/goid"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// fuzzedReplace takes secrets out by their type, and one key's value. It removes no attribute:
// after a group that is emptied by that, slog's own lines have a separator too many or too few.
func fuzzedReplace(_ []string, a slog.Attr) slog.Attr {
	if s, ok := a.Value.Any().(*fuzzedSecret); ok {
		return slog.String(a.Key, s.Name)
	}
	if a.Key == "a" {
		return slog.String(a.Key, "gone")
	}
	return a
}

// fuzzedRun runs the same calls from the same bytes, and counts who is asked.
func (s *fuzzedSetting) run(data []byte, spoil, quiet bool, h slog.Handler) (*fuzzedReads, *sync.WaitGroup) {
	fuzzedNow = &fuzzedReads{caller: goid.ID(), asked: map[string]int{}}
	values := &fuzzedValues{json: s.json, known: s.maker.known, quiet: quiet, copies: spoil && s.capture == asynchandler.CaptureCopy}
	a := &testsink.Arguments{Data: data, Other: values.make}
	l := slog.New(h)
	for root, ops := l, 0; ops < 12 && len(a.Data) > 0; ops++ {
		if ops == 0 || spoil {
			fuzzedTable = [4]string{"zero", "one", "", "<three>"}
		}
		switch op := a.Byte() % 8; op {
		case 0:
			l = root
		case 1:
			l = l.WithGroup(a.String())
		case 2, 3:
			l = l.With(slog.Any(values.string(a), values.make(a)), slog.Any("own", a.Any(2)))
		default:
			r := slog.NewRecord(time.Unix(1e9, 0).UTC(), slog.LevelInfo, values.string(a), 0)
			r.AddAttrs(slog.Any("a", values.make(a)), slog.Attr{Key: values.string(a), Value: a.Value(2)}, slog.Any("v", values.make(a)))
			if op > 5 {
				r.AddAttrs(a.Attrs(2)...)
			}
			_ = l.Handler().Handle(context.Background(), r)
		}
		if spoil {
			a.Change()
		}
		a.Keep()
	}
	return fuzzedNow, &values.writers
}

var (
	fuzzedStack   = regexp.MustCompile(`LogValue panicked\\n[^"]*`)
	fuzzedAddress = regexp.MustCompile(`0x[0-9a-f]{6,}`)
)

func fuzzedComparable(out string) string {
	return fuzzedAddress.ReplaceAllString(fuzzedStack.ReplaceAllString(out, "LogValue panicked"), "0xADDRESS")
}

// check runs data through slog's handler and ours, and compares.
func (s *fuzzedSetting) check(t *testing.T, data []byte) {
	build, other := s.builds()
	replacing := &slog.HandlerOptions{ReplaceAttr: fuzzedReplace}
	reference := &slog.HandlerOptions{}
	if s.replace > 0 && (s.watcher == fuzzedNobody || s.replacedForAll()) {
		reference = replacing
	}
	var want bytes.Buffer
	wantReads, writers := s.run(data, false, !s.maker.known, build(&want, reference))
	writers.Wait()

	var got, dropped testsink.Buffer
	opts := fuzzedOptions{
		asynchandler.WithCapacity(64), asynchandler.WithCapture(s.capture), asynchandler.WithDropReports(0),
		asynchandler.WithErrorHandler(func(error) {}),
	}
	out := &got // where what is compared comes out
	gate := testsink.NewBlockingWriter(out)
	if !s.gated {
		gate.Release()
	}
	var w io.Writer = gate
	var records []slog.Record
	switch s.watcher {
	case fuzzedFallback, fuzzedOtherFallback:
		broken := testsink.NewFaultWriter(nil)
		broken.Always(testsink.Short(0, testsink.ErrFault))
		if s.watcher == fuzzedFallback {
			other = build
		}
		w, opts = broken, append(opts, asynchandler.WithFallback(other(gate, nil)))
	case fuzzedOnDrop:
		opts = append(opts, asynchandler.WithMemoryLimit(1), asynchandler.WithOnDrop(func(_ context.Context, r slog.Record, _ asynchandler.DropReason) {
			records = append(records, r)
		}))
	}
	var ho *slog.HandlerOptions
	switch s.replace {
	case 1:
		ho = replacing
	case 2:
		opts = append(opts, asynchandler.WithReplaceAttr(fuzzedReplace))
	}
	h := s.maker.make(build, w, ho, opts)
	reads, writers := s.run(data, s.capture != asynchandler.CaptureReference, s.capture == asynchandler.CaptureReference, h)
	gate.Release()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if s.watcher == fuzzedOnDrop {
		out = &dropped
		again := build(out, nil)
		for _, r := range records {
			_ = again.Handle(context.Background(), r)
		}
	}
	writers.Wait()
	s.compare(t, data, fuzzedComparable(want.String()), fuzzedComparable(out.String()))
	s.judge(t, wantReads, reads)
}

func (s *fuzzedSetting) compare(t *testing.T, data []byte, want, got string) {
	t.Helper()
	if a, b := strings.Count(want, "\n"), strings.Count(got, "\n"); a != b {
		t.Fatalf("%+v: %d lines instead of %d", *s, b, a)
	}
	if s.maker.known && s.watcher != fuzzedOtherFallback {
		if got != want {
			t.Fatalf("%+v:\ngot  %s\nwant %s", *s, got, want)
		}
		return
	}
	if s.replacedForAll() && strings.Contains(got, "hunter2") && !strings.Contains(s.withSlog(data), "hunter2") {
		t.Fatalf("%+v: a secret in %s", *s, got)
	}
}

// withSlog returns what slog's two handlers write.
func (s *fuzzedSetting) withSlog(data []byte) string {
	var both bytes.Buffer
	for _, build := range []fuzzedSlog{fuzzedNewJSON, fuzzedNewText} {
		_, writers := s.run(data, false, true, build(&both, &slog.HandlerOptions{ReplaceAttr: fuzzedReplace}))
		writers.Wait()
	}
	return both.String()
}

// judge compares who was asked, and where.
func (s *fuzzedSetting) judge(t *testing.T, want, got *fuzzedReads) {
	t.Helper()
	if s.capture == asynchandler.CaptureReference {
		return // values are shown by whoever shows them, when he does
	}
	if len(got.elsewhere) > 0 {
		t.Fatalf("%+v: asked by another goroutine: %v", *s, got.elsewhere)
	}
	for method, n := range got.asked {
		most := math.MaxInt
		switch {
		case strings.HasSuffix(method, ".LogValue"):
			most = want.asked[method]
		case s.maker.known:
			most = want.asked[method]
			if s.watcher != fuzzedNobody {
				most *= 2 // slog's handler has shown them to its own function
			}
		}
		if n > most {
			t.Fatalf("%+v: %s was asked %d times, by slog %d times", *s, method, n, want.asked[method])
		}
	}
}

// fuzzedPrograms log a value of each kind in each place.
func fuzzedPrograms() (programs [][]byte) {
	for kind := range byte(24) {
		for _, how := range []byte{0, 3, 5, 6, 7} {
			v := []byte{kind, how, 2, 'x', 'y', 1, 2}
			var p []byte
			for _, part := range [][]byte{
				{4, 1, 'm'},
				v,
				{1, 'k', 0, 14},
				v, v, // a record: in a, inside any, in v
				{2, 1, 'o'},
				v,
				{5, 14},
				v,
				{0, 0},
				v, // own, and a slice of it
				{1, 1, 'g'},
				{6, 1, 'n'},
				v,
				{1, 'l', 10, 2, 1, 'p', 0, 14},
				v, v,
				{2, 1, 'q', 13, 0, 14},
				v, // in groups and behind LogValuers
			} {
				p = append(p, part...)
			}
			programs = append(programs, p)
		}
	}
	return programs
}

// FuzzValues logs values with methods, locks and tables through each constructor, and
// compares what comes out, also of the fallback and OnDrop, with what slog writes at once. No
// method may be asked by the worker or by other rules than slog's, and the race detector sees
// who reads without the lock.
func FuzzValues(f *testing.F) { // P4
	settings := uint16(len(fuzzedMakers) * 2 * fuzzedWatchers * 3 * 3 * 2)
	programs := fuzzedPrograms()
	for how := range settings {
		f.Add(programs[int(how)*7%len(programs)], how)
	}
	f.Fuzz(func(t *testing.T, data []byte, how uint16) {
		s := fuzzedSettingOf(how)
		s.check(t, data)
	})
}
