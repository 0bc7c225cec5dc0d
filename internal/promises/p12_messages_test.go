package promises_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A datagram is a message: it has one record, as from slog.
func TestOneRecordInEachDatagram(t *testing.T) { // P12
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	conn, err := net.Dial("udp", server.LocalAddr().String())
	require.NoError(t, err)
	defer conn.Close()
	h := asynchandler.NewWriterHandler(conn, messages)
	msgs := numbered(30, 20)
	logEach(h, msgs...)
	require.NoError(t, h.Close())
	assert.Equal(t, msgs, datagrams(t, server, len(msgs)))
}

// datagrams returns the next n datagrams, without the newlines at their ends.
func datagrams(t *testing.T, server net.PacketConn, n int) (all []string) {
	t.Helper()
	p := make([]byte, 1<<16)
	for range n {
		n, _, err := server.ReadFrom(p)
		require.NoError(t, err)
		all = append(all, strings.TrimSuffix(string(p[:n]), "\n"))
	}
	return all
}

// All lines come out of a pipe, whole and in order, though a Write has only some.
func TestLinesThroughAPipe(t *testing.T) { // P12
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	var read bytes.Buffer
	done := make(chan error)
	go func() {
		_, err := io.Copy(&read, r)
		done <- err
	}()
	h := asynchandler.NewWriterHandler(w, messages)
	msgs := numbered(1000, 64)
	logEach(h, msgs...)
	require.NoError(t, h.Close())
	require.NoError(t, w.Close())
	require.NoError(t, <-done)
	assert.Equal(t, joined(msgs...), read.String())
}

// countingConn counts the Writes of a connection.
type countingConn struct {
	net.Conn
	writes atomic.Int32
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// selfSigned returns the settings of a server, with a certificate of its own.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// Over TLS lines share a Write, and so its packets.
func TestLinesShareAWriteOverTLS(t *testing.T) { // P12
	server, err := tls.Listen("tcp", "127.0.0.1:0", selfSigned(t))
	require.NoError(t, err)
	defer server.Close()
	received := make(chan string, 1)
	go func() {
		conn, err := server.Accept()
		if err != nil {
			received <- err.Error()
			return
		}
		defer conn.Close()
		all, _ := io.ReadAll(conn)
		received <- string(all)
	}()
	raw, err := net.Dial("tcp", server.Addr().String())
	require.NoError(t, err)
	counted := &countingConn{Conn: raw}
	conn := tls.Client(counted, &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}) //nolint:gosec // of this test
	require.NoError(t, conn.Handshake())
	counted.writes.Store(0)
	gate := testsink.NewGate()
	h := asynchandler.NewWriterHandler(conn, func(w io.Writer) slog.Handler {
		return testsink.Func(func(_ context.Context, r slog.Record) error {
			if r.Message == "first" {
				gate.Pass() // until all the others wait
			}
			_, err := fmt.Fprintln(w, r.Message)
			return err
		})
	})
	msgs := append([]string{"first"}, numbered(200, 20)...)
	logEach(h, msgs...)
	gate.Release()
	require.NoError(t, h.Close())
	// crypto/tls makes its first records small, and the worker may have taken a few before the rest.
	assert.LessOrEqual(t, counted.writes.Load(), int32(10), "201 lines")
	require.NoError(t, conn.Close())
	assert.Equal(t, joined(msgs...), <-received)
}

// redacting is a writer that takes secrets out, and says how much it has written then.
type redacting struct{ out testsink.Buffer }

func (r *redacting) Write(p []byte) (int, error) {
	return r.out.Write(bytes.ReplaceAll(p, []byte("secret-of-many-bytes"), []byte("*")))
}

// What such a writer took out must not be taken for the rest of a torn line
// (rs/zerolog 547, tailscale/tailscale 10173).
func TestWriterThatRedactsGetsNoLineTwice(t *testing.T) { // P12
	var w redacting
	errs := make(chan error, 10)
	h := asynchandler.NewTextHandler(&w, &slog.HandlerOptions{Level: slog.LevelDebug}, asynchandler.WithErrorHandler(func(err error) { errs <- err }))
	for i := range 3 {
		slog.New(h).Info("login", "n", i, "token", "secret-of-many-bytes")
	}
	require.NoError(t, h.Close())
	assert.Len(t, w.out.Lines(), 3)
	assert.NotContains(t, w.out.String(), "secret")
	assert.NotContains(t, w.out.String(), "of-many-bytes")
	assert.EqualValues(t, 3, h.Stats().Delivered)
	require.Len(t, errs, 1, "the error handler hears of it once")
	require.ErrorContains(t, <-errs, "*promises_test.redacting.Write")
}

// unrepeated is a handler that leaves out what it has seen.
type unrepeated struct {
	slog.Handler
	seen map[string]int
}

func (u unrepeated) Handle(ctx context.Context, r slog.Record) error {
	if u.seen[r.Message]++; u.seen[r.Message] > 1 {
		return nil
	}
	return u.Handler.Handle(ctx, r)
}

// A handler over a writer that fails nothing gets each record once, whether or not the
// line fits into a Write, and whatever the handler does with the records beside it.
func TestHandlerOverAWriterGetsEachRecordOnce(t *testing.T) { // P7, P12
	for _, max := range []int{0, 1, 100, 4096} {
		t.Run(fmt.Sprint(max), func(t *testing.T) {
			var out testsink.Buffer
			seen := map[string]int{}
			h := asynchandler.NewWriterHandler(&out, func(w io.Writer) slog.Handler { return unrepeated{scripted(w), seen} },
				asynchandler.WithMaxWrite(max), asynchandler.WithOverflow(asynchandler.Block), quiet)
			msgs := numbered(2000, 30)
			for i, msg := range msgs {
				logEach(h, msg)
				switch i {
				case 100:
					logEach(h, "panic")
				case 200:
					logEach(h, "error")
				}
			}
			require.NoError(t, h.Flush(t.Context()))
			_ = h.Close() // the handler's own failures are no matter here
			assert.Equal(t, joined(msgs...), out.String())
			for _, msg := range msgs {
				require.Equal(t, 1, seen[msg], msg)
			}
		})
	}
}

// The writer behind io.MultiWriter that works gets a line again with each try of the one
// that does not; a MultiHandler keeps them apart (hashicorp/consul 11773).
func TestOneBadWriterOfSeveral(t *testing.T) { // P7
	broken := testsink.NewFaultWriter(nil)
	broken.Always(testsink.Short(0, testsink.ErrFault))
	var both, alone testsink.Buffer
	h := asynchandler.NewWriterHandler(io.MultiWriter(&both, broken), messages, quiet, asynchandler.WithoutBreaker())
	logEach(h, "a")
	_ = h.Close()
	assert.Equal(t, joined("a", "a", "a"), both.String(), "as often as it is tried")

	m := asynchandler.NewMultiHandler(
		asynchandler.NewWriterHandler(&alone, messages, quiet, asynchandler.WithoutBreaker()),
		asynchandler.NewWriterHandler(broken, messages, quiet, asynchandler.WithoutBreaker()))
	slog.New(m).Info("a")
	err := m.Close()
	var undelivered *asynchandler.ShutdownError
	assert.False(t, errors.As(err, &undelivered))
	assert.Equal(t, joined("a"), alone.String())
}
