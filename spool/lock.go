package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrLocked is wrapped by the error of [Open] for a folder that another [Spool] has, in this
// process or another one. The error says which process that is.
var ErrLocked = errors.New("in use")

// lock makes the folder this process's.
func lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, taken, err := openLocked(path)
	if taken {
		return nil, fmt.Errorf("%w by %s", ErrLocked, owner(path))
	}
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	text := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, time.Now().Format(time.RFC3339))
	_ = f.Truncate(0) // the text is for people; the lock does without
	_, _ = f.WriteAt([]byte(text), 0)
	return f, nil
}

func owner(path string) string {
	b, _ := os.ReadFile(path)
	if text, _, ok := strings.Cut(string(b), "\n"); ok {
		return text
	}
	return "an unknown process"
}
