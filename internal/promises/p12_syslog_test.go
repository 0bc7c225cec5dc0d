//go:build unix

package promises_test

import (
	"log/syslog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// Each Write to package syslog is one message.
func TestOneRecordInEachMessageOfSyslog(t *testing.T) { // P12
	name := filepath.Join(t.TempDir(), "log")
	server, err := net.ListenPacket("unixgram", name)
	require.NoError(t, err)
	defer server.Close()
	w, err := syslog.Dial("unixgram", name, syslog.LOG_INFO, "test")
	require.NoError(t, err)
	defer w.Close()
	h := asynchandler.NewWriterHandler(w, messages)
	msgs := numbered(5, 20)
	logEach(h, msgs...)
	require.NoError(t, h.Close())
	for i, got := range datagrams(t, server, len(msgs)) {
		assert.True(t, strings.HasSuffix(got, msgs[i]), got)
		assert.NotContains(t, got, "\n")
	}
}
