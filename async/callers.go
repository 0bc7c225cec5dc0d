package async

import (
	"github.com/asynchandler/asynchandler/internal/reentry"
)

// callers are the goroutines on which this handler runs code of the user's.
type callers struct {
	workers  reentry.Set // that deliver
	visitors reentry.Set // others that deliver or flush: they would wait for themselves
	closers  reentry.Set // that run shutdown functions
	tellers  reentry.Set // that call the error handler and OnHighWater
	droppers reentry.Set // that call OnDrop
}

// workerEntry is the program counter of the function that all workers run.
var workerEntry reentry.Entry

// delivering reports whether the caller is called, directly or not, by a delivery, so that
// it must not wait for room. While all workers sleep, as in an outage, that is known at once.
// Else a goroutine's id takes 12 to 38 µs to find out (measured), its outermost function 1 to
// 2: so that is looked at first.
func (c *callers) delivering() bool {
	return c.visitors.Here() || c.workers.Visible() && workerEntry.IsOutermost() && c.workers.Here()
}

// within reports whether the caller is called by code that this handler runs and that must
// not wait for the handler.
func (c *callers) within() bool {
	return c.closers.Here() || c.tellers.Here() || c.delivering()
}
