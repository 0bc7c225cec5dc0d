package promises_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// badFlavors are the handlers that bad values are logged through.
var badFlavors = append(flavors[:4:4],
	flavor{"New over an unknown JSON handler", true, newJSON, over(unknown(newJSON))},
	flavor{"New over an unknown text handler", false, newText, over(unknown(newText))},
)

// unknown returns what makes a handler that is not recognized as the original.
func unknown(original func(io.Writer, *slog.HandlerOptions) slog.Handler) func(io.Writer, *slog.HandlerOptions) slog.Handler {
	return func(w io.Writer, ho *slog.HandlerOptions) slog.Handler { return middleware{original(w, ho)} }
}

// badSetting changes what is done with a value.
type badSetting struct {
	observer
	ho     *slog.HandlerOptions
	copies bool // groups are copied before a method runs, and values may be asked for two handlers
}

var badSettings = []badSetting{
	{observers[0], nil, false},
	{observers[1], nil, false},
	{observers[2], nil, false},
	{observer{"ReplaceAttr", observers[0].opt}, &slog.HandlerOptions{ReplaceAttr: without("nothing")}, true},
	{observer{"ReplaceAttr and fallback", observers[2].opt}, &slog.HandlerOptions{ReplaceAttr: without("nothing")}, true},
	{observer{"CaptureCopy", asynchandler.WithCapture(asynchandler.CaptureCopy)}, nil, false},
	{observer{"WithReplaceAttr", asynchandler.WithReplaceAttr(without("nothing"))}, nil, true},
	{observer{"WithMaxRecordSize", asynchandler.WithMaxRecordSize(1 << 20)}, nil, false},
	{observer{cuts, asynchandler.WithMaxRecordSize(100)}, nil, false},
}

// cuts is the setting that changes lines.
const cuts = "WithMaxRecordSize that cuts"

// unchanged makes of a line that a sibling was changed in one where it was not.
var unchanged = strings.NewReplacer(`"changed":"behind"`, `"behind":2`, "g.changed=behind", "g.behind=2")

// badLines returns the lines of a test. Where a value is asked by several methods one after the
// other, what these log comes as often.
func badLines(f flavor, o badSetting, out string) []string {
	if o.copies {
		out = unchanged.Replace(out)
	}
	lines := strings.Split(strings.TrimSuffix(withoutAddresses(out), "\n"), "\n")
	if o.copies || strings.Contains(f.name, "unknown") {
		return slices.Compact(lines)
	}
	return lines
}

// A bad value is shown as slog shows it, or there is a text in its place. It costs no other
// record anything.
func TestBadValues(t *testing.T) { // P4, P8
	for _, f := range badFlavors {
		for _, o := range badSettings {
			for _, b := range badValues {
				t.Run(f.name+"/"+o.name+"/"+b.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var want bytes.Buffer
						s := &scene{l: slog.New(clocked{f.original(&want, o.ho)})}
						for _, v := range b.make(s) {
							if b.endless && !f.json {
								v = "!ERROR:nested deeper than 10000 levels"
							}
							s.show(v)
						}

						var got testsink.Buffer
						h := f.make(&got, o.ho, asynchandler.WithCapacity(4096), o.opt)
						s = &scene{l: slog.New(clocked{h}), flush: func() error { return h.Flush(t.Context()) }}
						for _, v := range b.make(s) {
							s.show(v)
						}
						require.NoError(t, h.Close())

						wantLines, gotLines := badLines(f, o, want.String()), badLines(f, o, got.String())
						if o.name == cuts {
							assert.Len(t, gotLines, len(wantLines))
						} else {
							assert.Equal(t, wantLines, gotLines)
						}
						stats := h.Stats()
						assert.Equal(t, stats.Received, stats.Delivered)
						assert.Zero(t, stats.Panics)
						assert.Zero(t, stats.DeliveryErrors)
					})
				})
			}
		}
	}
}

// endlessGroups makes groups as long as somebody asks.
type endlessGroups struct{}

func (endlessGroups) LogValue() slog.Value { return slog.GroupValue(slog.Any("k", endlessGroups{})) }

// Groups without end, on which slog overflows the stack, are shown as far as a record may have
// groups.
func TestGroupsWithoutEnd(t *testing.T) { // P4, P8
	self := make([]slog.Attr, 1)
	self[0] = slog.GroupAttrs("g", self...)
	for _, f := range badFlavors {
		for _, o := range badSettings {
			for name, v := range map[string]slog.Value{"LogValuers": slog.AnyValue(endlessGroups{}), "in itself": slog.GroupValue(self...)} {
				t.Run(f.name+"/"+o.name+"/"+name, func(t *testing.T) {
					var out testsink.Buffer
					h := f.make(&out, o.ho, small, o.opt)
					l := slog.New(h)
					l.Info("attribute", "v", v)
					l.With("v", v).Info("own")
					l.Info("after")
					require.NoError(t, h.Close())
					lines := out.Lines()
					require.Len(t, lines, 3)
					for _, line := range lines[:2] {
						if !strings.HasPrefix(o.name, "WithMaxRecordSize") || strings.Contains(line, "own") {
							assert.Contains(t, line, "!ERROR:more than 10000 groups")
						}
					}
					assert.Contains(t, lines[2], "after")
				})
			}
		}
	}
}

// Only the caller whose value blocks waits.
func TestAValueThatBlocks(t *testing.T) { // P4, P8
	for _, f := range badFlavors {
		for _, o := range badSettings {
			t.Run(f.name+"/"+o.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var out testsink.Buffer
					h := f.make(&out, o.ho, asynchandler.WithCapacity(256), o.opt)
					gate := make(chan struct{})
					var blocked sync.WaitGroup
					values := actings(func() string { <-gate; return "released" })
					for _, v := range values {
						blocked.Go(func() { slog.New(h).Info("blocked", "v", v) })
						blocked.Go(func() { slog.New(h).With("v", v).Info("blocked") })
					}
					synctest.Wait()
					began := time.Now()
					logEach(h, "one", "two")
					require.NoError(t, h.Flush(t.Context()))
					assert.Zero(t, time.Since(began))
					assert.Len(t, out.Lines(), 2)
					assert.Equal(t, uint64(2), h.Stats().Delivered)

					close(gate)
					blocked.Wait()
					require.NoError(t, h.Close())
					assert.Len(t, out.Lines(), 2+2*len(values))
					assert.Equal(t, 2*len(values), strings.Count(out.String(), "released"))
				})
			})
		}
	}
}

// Close does not wait for a caller whose value blocks. Its record is late, and is written
// all the same.
func TestAValueThatBlocksUntilTheEnd(t *testing.T) { // P8, P9
	for _, f := range badFlavors {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out testsink.Buffer
				h := f.make(&out, nil, small)
				gate := make(chan struct{})
				var blocked sync.WaitGroup
				blocked.Go(func() { slog.New(h).Info("blocked", "v", actings(func() string { <-gate; return "released" })[0]) })
				synctest.Wait()
				logEach(h, "one")
				began := time.Now()
				require.NoError(t, h.Close())
				assert.Zero(t, time.Since(began))
				close(gate)
				blocked.Wait()
				assert.Contains(t, out.String(), "released")
				assert.Equal(t, uint64(2), h.Stats().Delivered)
			})
		})
	}
}

// A value of 100 MB is more than may wait, and is dropped; with WithMaxRecordSize it is cut.
func TestAHugeValue(t *testing.T) { // P5, P8
	huge := strings.Repeat("x", 100<<20)
	tried := []flavor{badFlavors[0], badFlavors[1], badFlavors[4]}
	if raceEnabled {
		tried = tried[:1] // it takes seconds
	}
	for _, f := range tried {
		for name, v := range map[string]any{"by a method": &actingText{func() string { return huge }}, "as it is": huge} {
			for _, cut := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%t", f.name, name, cut), func(t *testing.T) {
					var out testsink.Buffer
					opts := []asynchandler.Option{small}
					if cut {
						opts = append(opts, asynchandler.WithMaxRecordSize(1000))
					}
					h := f.make(&out, nil, opts...)
					logEach(h, "before")
					slog.New(h).Info("huge", "v", v)
					logEach(h, "after")
					require.NoError(t, h.Close())
					stats := h.Stats()
					assert.Equal(t, cut, strings.Contains(out.String(), "truncated"))
					assert.Less(t, len(out.String()), 3000)
					for _, line := range []string{"before", "after"} {
						assert.Contains(t, out.String(), line)
					}
					if cut {
						assert.Equal(t, uint64(3), stats.Delivered)
					} else {
						assert.Equal(t, uint64(2), stats.Delivered)
						assert.Contains(t, stats.Drops, asynchandler.DropCount{Reason: asynchandler.DropOversize, Level: slog.LevelInfo, Count: 1})
					}
				})
			}
		}
	}
}
