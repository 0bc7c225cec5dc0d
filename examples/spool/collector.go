package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// line is what the collector knows of one.
type line struct{ Service, N int }

// collector takes lines over TCP while it is there.
type collector struct {
	addr string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	lines    []line
}

// open makes it be there, at the same address as before.
func (c *collector) open() error {
	if c.addr == "" {
		c.addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addr, c.listener, c.conns = l.Addr().String(), l, map[net.Conn]bool{}
	go c.accept(l)
	return nil
}

// close makes it go away.
func (c *collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.listener.Close()
	for conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

func (c *collector) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		if c.conns != nil {
			c.conns[conn] = true
		}
		c.mu.Unlock()
		go c.receive(conn)
	}
}

// receive takes whole frames, and answers each.
func (c *collector) receive(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(conn, frame); err != nil || !c.take(conn, string(frame)) {
			return
		}
		if _, err := conn.Write([]byte{1}); err != nil {
			return
		}
	}
}

// take keeps the lines of a frame, if the collector is still there.
func (c *collector) take(conn net.Conn, frame string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.conns[conn] {
		return false
	}
	for text := range strings.Lines(frame) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			panic(fmt.Sprintf("a line that is torn: %q", text))
		}
		if l.Service > 0 { // else it is a report of drops
			c.lines = append(c.lines, l)
		}
	}
	return true
}

func (c *collector) received() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lines)
}

// verdict is what became of the lines of one service.
type verdict struct {
	arrived    int // different ones
	missing    int // with later ones there
	doubled    int
	disordered int
	last       int
}

// judge looks at the lines as they came.
func (c *collector) judge(services int) []verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	verdicts := make([]verdict, services)
	seen := map[line]bool{}
	latest := 0
	for _, l := range c.lines {
		v := &verdicts[l.Service-1]
		switch {
		case seen[l]:
			v.doubled++
			continue
		case l.Service < latest || l.N < v.last:
			v.disordered++
		}
		seen[l] = true
		v.arrived++
		latest, v.last = max(latest, l.Service), max(v.last, l.N)
	}
	for i := range verdicts {
		verdicts[i].missing = verdicts[i].last - verdicts[i].arrived
	}
	return verdicts
}
