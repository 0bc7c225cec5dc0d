package course

// probe says which record a probe tries next, until it has tried so many or taken so long.
func (c *Course[T]) probe(f *Facts) Decision {
	r := &c.round
	begins := !r.on
	if begins {
		*r = round{on: true, id: r.id + 1, began: f.Now}
	}
	i, ok := c.candidate(f, begins)
	switch {
	case begins && !ok:
		r.on = false
		return Decision{Act: Rest} // what it was for was evicted
	case !ok, r.tried > ProbeRecords, f.Now.Sub(r.began) >= ProbeTime:
		return c.endProbe()
	}
	r.tried++
	return Decision{Act: Try, From: i, N: 1}
}

// candidate returns the place of the record to try next in a probe: first the oldest, then
// those that were not tried yet, and if there are none, who was tried longest ago.
func (c *Course[T]) candidate(f *Facts, first bool) (i int, ok bool) {
	if first {
		if i = c.oldest(f); i >= 0 {
			return i, true
		}
	}
	if i = c.untried(); i >= 0 {
		return i, true
	}
	if f.Waiting > 0 {
		return Queue, true
	}
	i = -1
	for j := range c.held {
		if h := &c.held[j]; !c.barred(f, h) && h.round != c.round.id && (i < 0 || h.round < c.held[i].round) {
			i = j
		}
	}
	return i, i >= 0
}

func (c *Course[T]) endProbe() Decision {
	c.round.on = false
	return Decision{Act: EndProbe}
}

func (c *Course[T]) untried() int {
	if c.fresh == 0 {
		return -1
	}
	return c.find(func(h *Held[T]) bool { return h.Attempts == 0 && !c.hidden(h) })
}
