package stdlog

import (
	"log"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// header renders what package log puts before a message.
type header struct {
	prefix string
	flags  int // as of [log.Flags]
}

// append appends the header for a record with this time and pc to b.
func (h header) append(b []byte, t time.Time, pc uintptr) []byte {
	if h.flags&log.Lmsgprefix == 0 {
		b = append(b, h.prefix...)
	}
	if h.flags&(log.Ldate|log.Ltime|log.Lmicroseconds) != 0 {
		b = h.appendTime(b, t)
	}
	if h.flags&(log.Lshortfile|log.Llongfile) != 0 {
		b = h.appendFile(b, pc)
	}
	if h.flags&log.Lmsgprefix != 0 {
		b = append(b, h.prefix...)
	}
	return b
}

// appendTime appends the date and the time, in the local time zone
// unless flags want UTC, whatever the location of t.
func (h header) appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		t = time.Now()
	}
	if h.flags&log.LUTC != 0 {
		t = t.UTC()
	} else {
		t = t.Local()
	}
	if h.flags&log.Ldate != 0 {
		b = t.AppendFormat(b, "2006/01/02 ")
	}
	switch {
	case h.flags&log.Lmicroseconds != 0:
		b = t.AppendFormat(b, "15:04:05.000000 ")
	case h.flags&log.Ltime != 0:
		b = t.AppendFormat(b, "15:04:05 ")
	}
	return b
}

func (h header) appendFile(b []byte, pc uintptr) []byte {
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	file := f.File
	if file == "" {
		file = "???"
	}
	if i := strings.LastIndexByte(file, '/'); i > 0 && h.flags&log.Lshortfile != 0 {
		file = file[i+1:]
	}
	b = append(b, file...)
	b = append(b, ':')
	b = strconv.AppendInt(b, int64(f.Line), 10)
	return append(b, ": "...)
}
