package testsink_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

// failures notes what a test fails with.
type failures struct{ formats []string }

func (*failures) Helper() {}

func (f *failures) Fatalf(format string, _ ...any) {
	f.formats = append(f.formats, format)
	panic(f)
}

func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failures{}
		began := time.Now()
		testsink.Eventually(f, "a second has passed", func() bool { return time.Since(began) >= time.Second })
		assert.Equal(t, time.Second, time.Since(began))
		assert.Panics(t, func() { testsink.Eventually(f, "never", func() bool { return false }) })
		assert.Len(t, f.formats, 1)
	})
}

func TestReadAll(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("read before"), iotest.ErrReader(errors.New("reset")))
	assert.Equal(t, "read before", testsink.ReadAll(broken)())
}

func TestSpan(t *testing.T) {
	assert.Equal(t, []int{2, 3, 4}, testsink.Span(2, 5))
	assert.Equal(t, []int{}, testsink.Span(2, 2))
}
