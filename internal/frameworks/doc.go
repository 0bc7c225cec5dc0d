// Package frameworks holds tests only: slog handlers and web frameworks of other
// projects, with asynchandler in front of them or within them.
package frameworks
