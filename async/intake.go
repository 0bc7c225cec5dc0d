package async

import "github.com/asynchandler/asynchandler/internal/panics"

// intake is a record that Handle was given and has not returned from. Code of the user's that
// runs on the caller meanwhile may panic or end the goroutine: the record is received all the
// same, and has failed unless it has got further. Nobody may see what ReplaceAttr has not.
type intake struct {
	g        *engine
	counted  bool // it is in the queue, or its end is counted where that is known
	returned bool
}

// end is deferred by who gives the record to the engine.
func (i *intake) end(err *error) {
	if i.returned {
		return
	}
	g, counted := i.g, i.counted
	value := recover()
	if counted {
		g.sleeper.wakeUpNow() // it may have come to that only now
	} else {
		g.locked(func() {
			g.accounts.ledger.Direct++
			g.accounts.ledger.Failed++
		})
	}
	if counted && value == nil {
		return // who ended the goroutine has told, if it was next
	}
	p := panics.New(g.opts.Name, value)
	g.notePanic(p)
	g.tell.error(p)
	*err = p
}
