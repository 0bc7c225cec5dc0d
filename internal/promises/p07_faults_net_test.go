package promises_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// tcpPair returns a connection over the loopback that has limited room, and the
// peer's end of it.
func tcpPair(t *testing.T) (conn, peer *net.TCPConn) {
	t.Helper()
	l := listenTCP(t)
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	p, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	conn, peer = c.(*net.TCPConn), p.(*net.TCPConn)
	require.NoError(t, conn.SetWriteBuffer(64<<10))
	require.NoError(t, peer.SetReadBuffer(256<<10))
	t.Cleanup(func() { conn.Close(); peer.Close() })
	return conn, peer
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// What a connection has room for: more is sure to make a Write wait.
const tooMany = 3000 // lines of 1000 bytes

func TestPeerThatNeverReads(t *testing.T) { // P3, P9, P13
	t.Run("goes on later", func(t *testing.T) {
		conn, peer := tcpPair(t)
		tr := newTrial(conn, append(hasty, asynchandler.WithCapacity(tooMany))...)
		tr.log(0, tooMany, 1000)
		tr.hung(t)
		wait := testsink.ReadAll(peer)
		require.NoError(t, tr.Close())
		require.NoError(t, conn.Close())
		assert.Equal(t, testsink.Span(0, tooMany), numbersIn(t, wait()))
		assert.EqualValues(t, tooMany, tr.account(t).Delivered)
	})
	t.Run("held until the connection is given up", func(t *testing.T) {
		conn, peer := tcpPair(t)
		tr := newTrial(conn, append(hasty, asynchandler.WithCapacity(tooMany), asynchandler.WithCloseTimeout(10*time.Millisecond))...)
		tr.log(0, tooMany, 1000)
		tr.hung(t)
		err := tr.Close()
		var undelivered *asynchandler.ShutdownError
		require.ErrorAs(t, err, &undelivered)
		s := tr.account(t)
		assert.Equal(t, uint64(undelivered.Undelivered), s.Dropped+uint64(s.Depth))
		assert.NotZero(t, s.Depth, "inside the hung Write")

		require.NoError(t, conn.Close())
		testsink.Eventually(t, "the hung Write has returned", func() bool { return tr.Stats().Depth == 0 })
		s = tr.account(t)
		b, err := io.ReadAll(peer)
		require.NoError(t, err)
		whole := b[:bytes.LastIndexByte(b, '\n')+1] // behind that, what the end of the connection cut off
		assert.Equal(t, testsink.Span(0, int(s.Delivered)), numbersIn(t, string(whole)))
		assert.EqualValues(t, len(b), s.WrittenBytes)
		assert.NotZero(t, s.Failed)
	})
	t.Run("fallback", func(t *testing.T) {
		conn, peer := tcpPair(t)
		fallback, other := jsonFallback()
		tr := newTrial(conn, append(hasty, fallback, patient, asynchandler.WithCapacity(tooMany))...)
		tr.log(0, tooMany, 1000)
		testsink.Eventually(t, "the rest went elsewhere", func() bool { return strings.Contains(other.String(), `"n":2999`) })
		wait := testsink.ReadAll(peer)
		require.NoError(t, tr.Close())
		require.NoError(t, conn.Close())
		there, elsewhere := numbersIn(t, wait()), numbersIn(t, other.String())
		assert.Equal(t, testsink.Span(0, tooMany), mergedNumbers(t, there, elsewhere))
		s := tr.account(t)
		assert.Len(t, there, int(s.Delivered))
		assert.Len(t, elsewhere, int(s.Fallback))
	})
}

// deadlined is a connection whose Writes end in the middle of a line.
type deadlined struct{ net.Conn }

func (d deadlined) Write(p []byte) (int, error) {
	if err := d.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		return 0, err
	}
	return d.Conn.Write(p)
}

func TestWriteDeadlineTearsNoLine(t *testing.T) { // P7
	conn, peer := tcpPair(t)
	fallback, other := jsonFallback()
	tr := newTrial(deadlined{conn}, append(hasty, fallback, patient)...)
	tr.log(0, 500, 10_000)
	testsink.Eventually(t, "stopped", func() bool { return tr.heard(os.ErrDeadlineExceeded) })
	wait := testsink.ReadAll(peer)
	tr.flushed(t)
	testsink.Eventually(t, "it works again", func() bool {
		before := tr.Stats().Delivered
		tr.log(int(tr.Stats().Received), int(tr.Stats().Received)+1, 100)
		tr.flushed(t)
		return tr.Stats().Delivered > before
	})
	require.NoError(t, tr.Close())
	require.NoError(t, conn.Close())
	s := tr.account(t)
	there, elsewhere := numbersIn(t, wait()), numbersIn(t, other.String())
	assert.Len(t, there, int(s.Delivered))
	assert.Len(t, elsewhere, int(s.Fallback))
	assert.ElementsMatch(t, testsink.Span(0, int(s.Received)), append(there, elsewhere...))
}

// What the system took before it knew of the reset is lost, and nobody can tell: the
// lines that arrived are the first ones, those after the delivered ones are kept.
func TestPeerThatResets(t *testing.T) { // P3, P7
	conn, peer := tcpPair(t)
	fallback, other := jsonFallback()
	tr := newTrial(conn, append(hasty, fallback, patient)...)
	tr.log(0, 50, 100)
	tr.flushed(t)
	arrived := numbersIn(t, readSome(t, peer, 50))
	require.NoError(t, peer.SetLinger(0))
	require.NoError(t, peer.Close())
	n := 50
	testsink.Eventually(t, "noticed", func() bool {
		tr.log(n, n+10, 100)
		n += 10
		tr.flushed(t)
		return tr.Stats().Fallback > 0
	})
	require.NoError(t, tr.Close())
	s := tr.account(t)
	assert.Equal(t, testsink.Span(0, 50), arrived)
	assert.GreaterOrEqual(t, s.Delivered, uint64(50))
	assert.Equal(t, testsink.Span(int(s.Delivered), n), numbersIn(t, other.String()))
	assert.NotZero(t, s.Breaker.Opened+s.DeliveryErrors)
}

// redialer is a writer that dials anew after an error. It takes only whole lines: a
// line that the old connection took a part of goes out whole on the new one.
type redialer struct {
	dial func() (net.Conn, error)
	conn net.Conn

	mu     sync.Mutex
	handed []string // to each connection, whole lines only
}

func (r *redialer) Write(p []byte) (int, error) {
	if r.conn == nil {
		conn, err := r.dial()
		if err != nil {
			return 0, err
		}
		r.conn = conn
		r.note("", true)
	}
	n, err := r.conn.Write(p)
	if err == nil {
		r.note(string(p), false)
		return n, nil
	}
	r.conn.Close()
	r.conn = nil
	whole := bytes.LastIndexByte(p[:n], '\n') + 1
	r.note(string(p[:whole]), false)
	return whole, err
}

func (r *redialer) note(lines string, anew bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if anew {
		r.handed = append(r.handed, "")
	}
	r.handed[len(r.handed)-1] += lines
}

// Lines handed to a connection that is dead may be lost, and those only: of each
// connection the first lines arrive, whole and in order, and no line goes twice.
func TestPeerThatComesBack(t *testing.T) { // P3, P7
	l := listenTCP(t)
	arrived := make(chan string, 100)
	var peers sync.WaitGroup
	peers.Go(func() {
		for conn := range accepted(l) {
			if len(arrived) < 3 { // the first ones are reset after a while
				out := readSome(t, conn, 100)
				out = out[:strings.LastIndexByte(out, '\n')+1]
				assert.NoError(t, conn.(*net.TCPConn).SetLinger(0))
				conn.Close()
				arrived <- out
				continue
			}
			peers.Go(func() {
				b, _ := io.ReadAll(conn)
				conn.Close()
				arrived <- string(b)
			})
		}
	})
	w := &redialer{dial: func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }}
	tr := newTrial(w, hasty...)
	n := 0
	testsink.Eventually(t, "connected four times", func() bool {
		tr.log(n, n+100, 100)
		n += 100
		tr.flushed(t)
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.handed) == 4
	})
	require.NoError(t, tr.Close())
	require.NoError(t, w.conn.Close())
	require.NoError(t, l.Close())
	peers.Wait()

	s := tr.account(t)
	assert.EqualValues(t, n, s.Delivered)
	assert.GreaterOrEqual(t, s.DeliveryErrors, uint64(3))
	assert.Equal(t, testsink.Span(0, n), numbersIn(t, strings.Join(w.handed, "")), "handed over once, in order")
	lost := n
	for _, handed := range w.handed {
		got := <-arrived
		require.True(t, strings.HasPrefix(handed, got), "a connection brought something else than its first lines")
		lost -= len(numbersIn(t, got))
		if len(arrived) == 0 {
			assert.Equal(t, handed, got, "the last connection, which was closed in peace, lost something")
		}
	}
	t.Logf("%d of %d lines were lost in dead connections", lost, n)
}
