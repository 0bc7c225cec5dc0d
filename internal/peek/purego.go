//go:build purego

package peek

import "log/slog"

// Attrs returns the attributes of r. They are only for reading, and only until the loan ends.
func Attrs(r *slog.Record) (front, back []slog.Attr, loan Loan) {
	front, loan = lend(r)
	return front, nil, loan
}

// Own returns false: without unsafe the attributes of a record cannot be changed in place.
func Own(*slog.Record) (front []slog.Attr, ok bool) { return nil, false }
