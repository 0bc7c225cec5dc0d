package async

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestErrorsAreShownAsOneLine(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, tt := range []struct{ name, text, want string }{
		{"plain", `disk "C:\temp" is full, 100%: ü 世 😀`, `disk "C:\temp" is full, 100%: ü 世 😀`},
		{"empty", "", ""},
		{"lines", "refused\r\nlevel=ERROR msg=forged", `refused\r\nlevel=ERROR msg=forged`},
		{"other ends of lines", "a\u0085b\u2028c\u2029d\ve\f", `a\u0085b\u2028c\u2029d\ve\f`},
		{"escape sequences", "\x1b[2Jgone\x07\x00\x7f\u009b", `\x1b[2Jgone\a\x00\x7f\u009b`},
		{"direction of text", "a\u202eb", `a\u202eb`},
		{"invalid UTF-8", "a\xffb\xc3", `a\xffb\xc3`},
		{"a replacement character", "a\uFFFDb", "a\uFFFDb"},
		{"just short enough", long, long},
		{"too long", long + "y", long[:maxLine-3] + "..."},
		{"too long once escaped", long[1:] + "\n", long[:maxLine-3] + "..."},
		{"not cut within an escape", long[:maxLine-4] + "\n\n\n", long[:maxLine-4] + "..."},
		{"not cut within a character", long[:maxLine-4] + "世世", long[:maxLine-4] + "..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, textOf(errors.New(tt.text)))
		})
	}
}

func FuzzErrorsAreShownAsOneLine(f *testing.F) {
	f.Add("a\nb\x1b\xff")
	f.Add(strings.Repeat("\u2028", maxLine))
	f.Fuzz(func(t *testing.T, s string) {
		line := oneLine(s)
		assert.LessOrEqual(t, len(line), maxLine)
		assert.True(t, utf8.ValidString(line) && printable(line), "%q", line)
		assert.Equal(t, line, oneLine(line))
	})
}

// What an error says is not what the handler says: it cannot forge a second report.
func TestStderrLineIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewFailer(nil, errors.New("no\nasynchandler: handler \"audit\": all is well\x1b[8m"), nil)
		h := New(next, Options{MaxAttempts: 1})
		var out bytes.Buffer
		h.engine.tell.stderr.w = &out // the worker has nothing to report yet
		require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)))
		_ = h.Close()
		const escaped = `no\nasynchandler: handler "audit": all is well\x1b[8m`
		assert.Equal(t, `asynchandler: handler "default": delivery failed (attempt 1): `+escaped+"\n", out.String())
		assert.Equal(t, escaped, h.Stats().LastError)
	})
}
