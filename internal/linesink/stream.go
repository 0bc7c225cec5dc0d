package linesink

import (
	"io"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"syscall"
)

// Gathered is the most bytes of whole lines in one Write to a stream that is no pipe.
const Gathered = 64 << 10

// PipeBuf returns PIPE_BUF: what a Write to a pipe may have without being mixed with
// what others write to it. POSIX wants 512 at least, Linux has 4096 (pipe(7)).
func PipeBuf() int {
	if runtime.GOOS == "linux" {
		return 4096
	}
	return 512
}

// MaxWrite returns the most bytes of whole lines for one Write to w: [Gathered] if w is
// known to take bytes as they come, [PipeBuf] if it is a pipe, and 0, one record for
// each Write, if Writes may matter to it. To a console writer, syslog, a datagram
// socket or a message queue each Write is a message. This is the one place where
// that is decided.
//
// A type that embeds one of these is another type, and may do something else in its
// Write.
func MaxWrite(w io.Writer) int {
	if w == io.Discard {
		return Gathered
	}
	if f, ok := w.(*os.File); ok {
		return maxWriteFile(f)
	}
	switch nameOf(w) {
	case "bufio.Writer", "bytes.Buffer", "strings.Builder",
		"compress/flate.Writer", "compress/gzip.Writer", "compress/lzw.Writer", "compress/zlib.Writer",
		"crypto/tls.Conn", "net.TCPConn":
		return Gathered
	case "net.UnixConn": // of a stream, of datagrams or of packets
		if isStreamSocket(w.(syscall.Conn)) {
			return Gathered
		}
	}
	return 0
}

// nameOf returns the path and name of the type that w points to. To compare types by
// name spares a program that has none of these writers to link crypto/tls, net and
// compress.
func nameOf(w io.Writer) string {
	t := reflect.TypeOf(w)
	if t == nil || t.Kind() != reflect.Pointer {
		return ""
	}
	return t.Elem().PkgPath() + "." + t.Elem().Name()
}

func maxWriteFile(f *os.File) int {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return Gathered
	case mode&fs.ModeNamedPipe != 0:
		return PipeBuf()
	case mode&fs.ModeSocket != 0 && isStreamSocket(f):
		return Gathered
	case mode&fs.ModeCharDevice != 0 && (isNull(info) || isTerminal(f)):
		return Gathered
	}
	return 0
}
