//go:build unix

package process_test

import (
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler"
)

// quiet keeps expected errors from standard error.
var quiet = asynchandler.WithErrorHandler(func(error) {})

// gathered lets lines share a Write, whatever the writer.
var gathered = asynchandler.WithMaxWrite(64 << 10)

// hasty makes an outage short.
var hasty = []asynchandler.Option{
	asynchandler.WithBreaker(gobreaker.Settings{Timeout: 5 * time.Millisecond}),
	asynchandler.WithStallTimeout(40 * time.Millisecond),
	asynchandler.WithCloseTimeout(time.Minute),
	asynchandler.WithMaxAttempts(1_000_000),
}
