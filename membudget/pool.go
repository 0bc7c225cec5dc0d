package membudget

// take takes n bytes from the pool, unless a reserve is owed some.
func (b *Budget) take(n int64) bool {
	if !b.takeFree(n) {
		return false
	}
	// Asked only now: a Join that came before the bytes were taken is sure to be seen.
	if !b.owing.Load() {
		return true
	}
	b.give(n)
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.owing.Load() && b.takeFree(n)
}

func (b *Budget) takeFree(n int64) bool {
	for {
		free := b.pool.Load()
		if free < n {
			return false
		}
		if b.pool.CompareAndSwap(free, free-n) {
			return true
		}
	}
}

// takeUpTo takes n bytes from the pool, or what there is.
func (b *Budget) takeUpTo(n int64) int64 {
	for {
		free := b.pool.Load()
		taken := min(n, free)
		if b.pool.CompareAndSwap(free, free-taken) {
			return taken
		}
	}
}

// give puts n bytes into the pool, and passes them on if a reserve is owed some.
func (b *Budget) give(n int64) {
	b.pool.Add(n)
	// Asked only now: either this sees that bytes are owed, or the Join that owes them sees
	// the bytes.
	if b.owing.Load() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.settle()
	}
}

// rebalance sets all targets for the present number of members and moves reserves towards
// them. The caller holds mu.
func (b *Budget) rebalance() {
	b.outside.target = b.limit
	if m := int64(len(b.members)); m > 0 {
		b.outside.target = 0
		for _, s := range b.members {
			s.target = b.limit / 2 / m
		}
	}
	b.owing.Store(true) // first: nobody else may take what becomes free below
	freed := b.outside.shrink()
	for _, s := range b.members {
		freed += s.shrink()
	}
	b.pool.Add(freed)
	b.settle()
}

// settle pays what reserves are owed from the pool, oldest member first. The caller holds mu.
func (b *Budget) settle() {
	paid := b.outside.grow()
	for _, s := range b.members {
		paid = s.grow() && paid
	}
	b.owing.Store(!paid)
}
