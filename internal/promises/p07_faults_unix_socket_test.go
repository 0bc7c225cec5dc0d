package promises_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

// accepted returns the connections to l until it is closed.
func accepted(l net.Listener) func(yield func(net.Conn) bool) {
	return func(yield func(net.Conn) bool) {
		for {
			conn, err := l.Accept()
			if err != nil || !yield(conn) {
				return
			}
		}
	}
}

// A unix socket knows at once that its peer has gone: nothing is lost.
func TestSocketThatIsRemovedAndComesBack(t *testing.T) { // P3, P7
	dir, err := os.MkdirTemp("", "") // t.TempDir may be too long for a socket's name
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "log")
	w := &redialer{dial: func() (net.Conn, error) { return net.Dial("unix", name) }}
	tr := newTrial(w, hasty...)
	l, err := net.Listen("unix", name)
	require.NoError(t, err)
	tr.log(0, 100, 100)
	conn, err := l.Accept()
	require.NoError(t, err)
	first := readSome(t, conn, 100)
	require.NoError(t, conn.Close())
	require.NoError(t, l.Close())
	require.NoFileExists(t, name)

	tr.log(100, 1000, 100)
	testsink.Eventually(t, "open", func() bool { return tr.Stats().Breaker.Opened > 0 })
	testsink.Eventually(t, "tried again in vain", func() bool { return tr.heard(fs.ErrNotExist) && tr.Stats().DeliveryErrors > 10 })
	assert.Equal(t, 900, tr.Stats().Depth)

	l, err = net.Listen("unix", name)
	require.NoError(t, err)
	defer l.Close()
	conn, err = l.Accept()
	require.NoError(t, err)
	wait := testsink.ReadAll(conn)
	tr.flushed(t)
	require.NoError(t, tr.Close())
	require.NoError(t, w.conn.Close())
	// Of those that were tried in vain, one may go ahead of the others.
	assert.ElementsMatch(t, testsink.Span(0, 1000), numbersIn(t, first+wait()))
	require.NoError(t, conn.Close())
	assert.EqualValues(t, 1000, tr.account(t).Delivered)
}
