package course

// Spool says what is known of a queue on disk. The zero value stands for none.
type Spool struct {
	On   bool // there is one
	Way  Way  // Refused after an error, for a while
	Some bool // it has records that are not done
	More bool // it has some that are not held
	Full bool // it does not give these before some of those held have their outcome
	Done bool // it has some that are done and can be removed
	Shut bool // the last call could not put records there
	Late bool // a shutdown has little time left: all goes there
}

// spool says what goes to the disk, and when it is read. What is there is older than what
// waits here, and so comes first; while it has records, what waits is not tried. In a shutdown too
// all is tried, until one try fails.
func (c *Course[T]) spool(f *Facts) (d Decision, ok bool) {
	c.behind, c.leaving = false, f.Spool.On && c.leaves(f)
	if !f.Spool.On {
		f.Spool.Way = Missing
		return d, false
	}
	fresh := c.find(func(h *Held[T]) bool { return h.Stored && h.Attempts == 0 }) >= 0
	able := f.Next <= Unasked && !c.leaving && !f.Probe
	more := able && !fresh && f.Spool.More && !f.Spool.Full && c.stored < MaxHeld && c.tornAt() < 0
	stores := c.stores(f)
	switch free := f.Spool.Way == Free; {
	case free && able && f.Spool.Done && (stores || !more): // now: after a crash it would come again
		return Decision{Act: Load}, true
	case free && stores && !(f.Spool.Shut && more): // reading it makes room
		if i := c.find(func(h *Held[T]) bool { return c.storable(f, h) }); i >= 0 {
			return Decision{Act: Store, From: i, N: c.storableRun(f, i)}, true
		}
		if f.Waiting > 0 {
			return Decision{Act: Store, From: Queue, N: f.Batch}, true
		}
	}
	switch {
	case more && f.Spool.Way == Free:
		return Decision{Act: Load, N: f.Batch}, true
	case more && c.stored == 0 && !c.drain.on:
		return Decision{Act: Rest, Busy: true}, true // until the disk is back: what waits is younger
	}
	c.blind(f, f.Spool.More || fresh)
	return d, false
}

// blind hides what waits in the queue, which is not to be tried now, and what is held and
// younger than the disk, too: a part of it could not be put there. In a shutdown with a broken
// disk it is tried, or it would be lost.
func (c *Course[T]) blind(f *Facts, yes bool) {
	if yes && (!c.drain.on || f.Spool.Way == Free || f.Spool.Way == Busy) {
		f.Waiting, c.behind = 0, true
	}
}

// hidden reports whether the record is not to be tried before the disk is read, or is left there.
func (c *Course[T]) hidden(h *Held[T]) bool {
	if h.Stored {
		return c.leaving && !h.torn
	}
	return c.behind && !h.Older && !h.torn
}

// barred reports whether the record is not to be tried for now.
func (c *Course[T]) barred(f *Facts, h *Held[T]) bool { return h.spared(f) || c.hidden(h) }

// leaves reports whether a shutdown tries no more: what waits goes to the disk, and what is there
// stays.
func (c *Course[T]) leaves(f *Facts) bool {
	return c.drain.on && (f.Spool.Late || c.drain.failed > 0 || f.Next == Hung)
}

// stores reports whether what waits goes to the disk.
func (c *Course[T]) stores(f *Facts) bool {
	if c.drain.on {
		return c.leaving || f.Next == Busy && f.Pressed
	}
	if f.Spool.Some && f.Pressed {
		return true
	}
	away := f.Next == Refused || f.Next == Hung || f.Next == Busy && f.Pressed || c.trouble && !f.Probe
	return away && (f.Pressed || f.Spool.Some)
}

// Gone tells that records on the disk that are older than that have gone from there. Those held
// go too, but for one that is torn; f is called for each.
func (c *Course[T]) Gone(before uint64, f func(*Held[T])) {
	if c.stored == 0 {
		return
	}
	c.Remove(func(h *Held[T]) bool {
		if !h.Stored || h.Seq >= before {
			return false
		}
		f(h)
		if h.torn {
			c.stored--
			h.Stored, h.Older = false, true
		}
		return !h.torn
	})
}

// storable reports whether the record can go to the disk. One that is older than what is there
// waits here, but for a shutdown.
func (c *Course[T]) storable(f *Facts, h *Held[T]) bool {
	return !h.torn && !h.Stored && (!h.Older || !f.Spool.Some || c.drain.on)
}

// storableRun returns how many records from the i-th on can go to the disk as one.
func (c *Course[T]) storableRun(f *Facts, i int) int {
	k := 1
	for k < f.Batch && i+k < len(c.held) && c.storable(f, &c.held[i+k]) {
		k++
	}
	return k
}
