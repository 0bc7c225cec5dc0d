package linesink_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/linesink"
)

// dial returns one end of a connection over a network of this machine.
func dial(t *testing.T, network string) net.Conn {
	t.Helper()
	address := "127.0.0.1:0"
	if strings.HasPrefix(network, "unix") {
		address = filepath.Join(t.TempDir(), "s")
	}
	switch network {
	case "udp", "unixgram":
		server, err := net.ListenPacket(network, address)
		require.NoError(t, err)
		t.Cleanup(func() { server.Close() })
		address = server.LocalAddr().String()
	default:
		server, err := net.Listen(network, address)
		require.NoError(t, err)
		t.Cleanup(func() { server.Close() })
		address = server.Addr().String()
	}
	conn, err := net.Dial(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// openFile opens a file of the system for writing.
func openFile(t *testing.T, name string, flag int) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|flag, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestMaxWrite(t *testing.T) { // P12
	const gathered, alone = linesink.Gathered, 0
	deflate, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	require.NoError(t, err)
	r, pipe, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer pipe.Close()
	closed := openFile(t, filepath.Join(t.TempDir(), "closed"), os.O_CREATE)
	require.NoError(t, closed.Close())
	_, pipeWriter := io.Pipe()
	end, _ := net.Pipe()
	tests := []struct {
		name string
		w    io.Writer
		want int
	}{
		{"regular file", openFile(t, filepath.Join(t.TempDir(), "log"), os.O_CREATE), gathered},
		{"null device", openFile(t, os.DevNull, 0), gathered},
		{"pipe", pipe, linesink.PipeBuf()},
		{"TCP", dial(t, "tcp"), gathered},
		{"TLS", tls.Client(dial(t, "tcp"), &tls.Config{MinVersion: tls.VersionTLS13}), gathered},
		{"bufio.Writer", bufio.NewWriter(io.Discard), gathered},
		{"bytes.Buffer", new(bytes.Buffer), gathered},
		{"strings.Builder", new(strings.Builder), gathered},
		{"gzip.Writer", gzip.NewWriter(io.Discard), gathered},
		{"zlib.Writer", zlib.NewWriter(io.Discard), gathered},
		{"flate.Writer", deflate, gathered},
		{"io.Discard", io.Discard, gathered},

		{"closed file", closed, alone},
		{"nil file", (*os.File)(nil), alone},
		{"nil", nil, alone},
		{"UDP", dial(t, "udp"), alone},
		{"net.Pipe", end, alone},
		{"io.MultiWriter", io.MultiWriter(io.Discard), alone},
		{"io.PipeWriter", pipeWriter, alone},
		{"connection wrapped by a user", struct{ net.Conn }{dial(t, "tcp")}, alone},
		{"file wrapped by a user", struct{ *os.File }{openFile(t, filepath.Join(t.TempDir(), "log"), os.O_CREATE)}, alone},
		{"buffer wrapped by a user", &struct{ bytes.Buffer }{}, alone},
		{"not a pointer", struct{ io.Writer }{io.Discard}, alone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, linesink.MaxWrite(tt.w))
		})
	}
}
