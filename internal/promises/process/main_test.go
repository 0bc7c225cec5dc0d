//go:build unix

package process_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a test leaves a goroutine behind. It makes the test binary one of
// the programs if it is told to.
func TestMain(m *testing.M) {
	if program := programs[os.Getenv(programVariable)]; program != nil {
		program()
		return
	}
	goleak.VerifyTestMain(m)
}
