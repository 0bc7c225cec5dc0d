package process_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

func init() {
	programs["small disk"] = func() { mountSmallDisk() }
	programs["full disk"] = onAFullDisk
	programs["spool on a full disk"] = spooledToAFullDisk
}

// mountSmallDisk mounts a small file system, and returns where and a large file there.
func mountSmallDisk() (dir, filler string) {
	dir = os.Getenv("ASYNCHANDLER_LOG")
	must(syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"))
	filler = filepath.Join(dir, "filler")
	must(os.WriteFile(filler, make([]byte, 3<<20), 0o600))
	return dir, filler
}

// onAFullDisk is a program that logs to a small file system of its own, and makes room
// there when it is full.
func onAFullDisk() {
	dir, filler := mountSmallDisk()
	file, err := os.Create(filepath.Join(dir, "log"))
	must(err)

	h := asynchandler.NewJSONHandler(file, nil, append(hasty[:len(hasty):len(hasty)], quiet)...)
	slog.SetDefault(slog.New(h))
	logNumbers(manyLines)
	// It is the line that the disk has a part of which is tried again and again: of a single
	// record the breaker does not open.
	for !strings.Contains(h.Stats().LastError, syscall.ENOSPC.Error()) || h.Stats().DeliveryErrors < 3 {
		time.Sleep(time.Millisecond)
	}
	tell("full", h)
	must(os.Remove(filler))
	must(h.Flush(context.Background()))
	must(h.Close())
	tell("closed", h)

	_, err = file.Seek(0, io.SeekStart)
	must(err)
	_, err = io.Copy(os.Stdout, file)
	must(err)
}

// newChildWithMounts returns a program that may mount file systems, which nobody else sees
// and which end with it.
func newChildWithMounts(t *testing.T, program string) *child {
	c := newChild(t, program, "ASYNCHANDLER_LOG="+t.TempDir())
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		c.cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		c.cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return c
}

// A full disk holds the log up and loses nothing of it, nor does it tear a line.
func TestProcessOnAFullDisk(t *testing.T) { // P7
	probe := newChildWithMounts(t, "small disk")
	if err := probe.cmd.Run(); err != nil {
		t.Skipf("no file system can be mounted here, but TestFault has the full device: %v %s", err, &probe.stderr)
	}
	c := newChildWithMounts(t, "full disk")
	c.begin(t)
	full := c.told(t, "full")
	assert.EqualValues(t, manyLines, int(full.Delivered)+full.Depth)
	assert.Positive(t, full.Delivered)
	assert.Positive(t, full.Depth)
	assert.Positive(t, full.DeliveryErrors)
	t.Logf("full: %d delivered, %d wait; %d errors, last %q", full.Delivered, full.Depth, full.DeliveryErrors, full.LastError)

	s := c.told(t, "closed")
	assert.EqualValues(t, manyLines, s.Delivered)
	numbers, others := readLog(t, c.read(t))
	require.Equal(t, "exit status 0", c.ended(), "%s", &c.stderr)
	assert.Equal(t, testsink.Span(0, manyLines), numbers)
	assert.Empty(t, others)
}

// refusing is standard output, once it takes something.
type refusing struct{ until *atomic.Bool }

func (r refusing) Write(p []byte) (int, error) {
	if !r.until.Load() {
		return 0, syscall.ECONNREFUSED
	}
	return os.Stdout.Write(p)
}

// spooledToAFullDisk is a program that logs over a spool, in an outage that ends when the disk is
// full and stays so.
func spooledToAFullDisk() {
	dir, _ := mountSmallDisk()
	s, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{})
	must(err)
	var full, up atomic.Bool
	h := asynchandler.NewJSONHandler(refusing{&up}, nil, append(hasty[:len(hasty):len(hasty)], gathered,
		asynchandler.WithSpool(s), asynchandler.WithCapacity(256), asynchandler.WithErrorHandler(func(err error) {
			if errors.Is(err, syscall.ENOSPC) {
				full.Store(true)
			}
		}))...)
	l := slog.New(h)
	for n := 0; !full.Load(); n++ {
		l.Info("numbered", "n", n, "pad", padding)
		time.Sleep(50 * time.Microsecond)
	}
	tell("full", h)
	// The room that is left goes too: less than a block of it is enough for another file.
	junk, err := os.Create(filepath.Join(dir, "junk"))
	must(err)
	for err == nil {
		_, err = junk.Write(make([]byte, 4<<10))
	}
	up.Store(true)
	for s := h.Stats(); s.Spooled+s.Depth > 0 || s.SpooledBytes > 0; s = h.Stats() {
		time.Sleep(time.Millisecond)
	}
	tell("replayed", h)
	must(h.Close())
}

// A spool whose disk has become full is delivered when the destination is back, and gives the
// disk its room back.
func TestSpoolOnAFullDisk(t *testing.T) { // P14
	probe := newChildWithMounts(t, "small disk")
	if err := probe.cmd.Run(); err != nil {
		t.Skipf("no file system can be mounted here, but package spool tests a disk that takes nothing: %v %s", err, &probe.stderr)
	}
	c := newChildWithMounts(t, "spool on a full disk")
	c.begin(t)
	full := c.told(t, "full")
	assert.Positive(t, full.Spooled)
	numbers, others := readLog(t, c.read(t))
	s := c.told(t, "replayed")
	require.Equal(t, "exit status 0", c.ended(), "%s", &c.stderr)
	assert.Empty(t, others)
	assert.Len(t, numbers, int(s.Delivered))
	assert.True(t, slices.IsSorted(numbers))
	assert.Equal(t, numbers, slices.Compact(slices.Clone(numbers)))
	assert.Zero(t, s.SpooledBytes)
	assert.Zero(t, s.SpoolDamaged)
	t.Logf("full: %d on the disk; replayed: %d delivered, %d dropped", full.Spooled, s.Delivered, s.Dropped)
}
