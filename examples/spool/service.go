package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/spool"
)

// progress is what a service tells the play from time to time.
const progress = "logged %d spooled %d delivered %d recovered %d\n"

// capacity is how many lines a service has in memory at most: the default is a minute of them.
const capacity = 1024

// serve logs numbered lines until stdin ends. Then it closes the handler.
func serve(s settings, stdin io.Reader, stdout io.Writer) error {
	queue, err := spool.Open(s.dir, spool.Options{})
	if err != nil {
		return err
	}
	h := asynchandler.NewJSONHandler(&connection{addr: s.addr}, nil,
		asynchandler.WithSpool(queue),
		asynchandler.WithCapacity(capacity),
		asynchandler.WithOverflow(asynchandler.Block), // so that lines are lost by the kill only
		asynchandler.WithMaxWrite(64<<10),
		asynchandler.WithBreaker(gobreaker.Settings{Timeout: 250 * time.Millisecond}),
		asynchandler.WithErrorHandler(func(error) {}), // the collector is away
	)
	logger := slog.New(h).With("service", s.number)
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		close(stop)
	}()
	const often = 10 * time.Millisecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	n := 0
	tell := func() {
		st := h.Stats()
		_, _ = fmt.Fprintf(stdout, progress, n, st.Spooled, st.Delivered, st.Recovered)
	}
	for {
		select {
		case <-tick.C:
			for range s.rate / int(time.Second/often) {
				n++
				logger.Info("order placed", "n", n)
			}
			tell()
		case <-stop:
			err := h.Close()
			tell()
			return err
		}
	}
}

// connection writes to the collector and connects again by itself. A Write has arrived when
// the collector has said so.
type connection struct {
	addr string
	conn net.Conn
}

func (c *connection) Write(p []byte) (int, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.addr, time.Second)
		if err != nil {
			return 0, err
		}
		c.conn = conn
	}
	if err := c.send(p); err != nil {
		_ = c.conn.Close()
		c.conn = nil
		return 0, err
	}
	return len(p), nil
}

func (c *connection) send(p []byte) error {
	if err := c.conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(p)))
	if _, err := c.conn.Write(append(frame, p...)); err != nil {
		return err
	}
	_, err := io.ReadFull(c.conn, make([]byte, 1))
	return err
}
