package recorder

// Stats is a snapshot of what became of the records below Level. At any moment
// Kept == Emitted + Forgotten + Evicted + Unwanted + Held.
type Stats struct {
	Name      string    `json:"name"`
	Kept      uint64    `json:"kept"`       // records below Level that were logged
	Emitted   uint64    `json:"emitted"`    // let out to next
	Forgotten uint64    `json:"forgotten"`  // with a scope that ended, or by Forget
	Evicted   uint64    `json:"evicted"`    // for want of room, or too old
	EvictedBy Evictions `json:"evicted_by"` // the same by reason
	Unwanted  uint64    `json:"unwanted"`   // let out, but next was not enabled for their level
	Held      int       `json:"held"`       // kept now, or being let out
	Scopes    int       `json:"scopes"`     // that have records kept now
	Bytes     int64     `json:"bytes"`      // that the records in Held hold, as estimated
	MaxBytes  int64     `json:"max_bytes"`  // limit of Bytes
}

// Evictions counts evicted records by reason.
type Evictions struct {
	Records uint64 `json:"records"` // more than MaxRecords in their scope
	Scopes  uint64 `json:"scopes"`  // more than MaxScopes scopes, and theirs was quiet longest
	Bytes   uint64 `json:"bytes"`   // more than MaxBytes
	Age     uint64 `json:"age"`     // older than MaxAge
}

// Stats returns a snapshot; all its numbers are of the same moment.
func (h *Handler) Stats() Stats {
	c := h.core
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	e := s.EvictedBy
	s.Evicted = e.Records + e.Scopes + e.Bytes + e.Age
	s.Name, s.MaxBytes = c.opts.Name, c.opts.MaxBytes
	s.Scopes = c.quiet.len
	return s
}
