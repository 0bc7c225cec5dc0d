package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/promexport"
	"github.com/asynchandler/asynchandler/recorder"
)

// newMux returns all that the service answers. Requests of the monitoring are not logged.
func newMux(logger *slog.Logger, h *asynchandler.Handler, rec *recorder.Handler, out *valve, drill bool) *http.ServeMux {
	registry := prometheus.NewRegistry()
	registry.MustRegister(promexport.NewCollector(h), promexport.NewRecorderCollector(rec))

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		// Healthy whatever becomes of the log: to restart the service would not help.
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "ok", "log": h.Stats()})
	})
	hello := func(w http.ResponseWriter, r *http.Request) {
		logger.DebugContext(r.Context(), "greeting found", "language", "en")
		_, _ = io.WriteString(w, "hello\n")
	}
	mux.Handle("GET /hello", remembered(logged(logger, hello)))
	mux.Handle("GET /ok", remembered(logged(logger, hello)))
	mux.Handle("GET /fail", remembered(logged(logger, func(w http.ResponseWriter, r *http.Request) {
		logger.DebugContext(r.Context(), "cache miss", "key", "greeting")
		logger.DebugContext(r.Context(), "database asked", "tries", 3, "err", io.ErrUnexpectedEOF)
		http.Error(w, "this one fails", http.StatusInternalServerError)
	})))
	if drill {
		mux.HandleFunc("POST /hang", func(w http.ResponseWriter, r *http.Request) {
			d, err := time.ParseDuration(r.FormValue("for"))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			out.hang(d)
		})
	}
	return mux
}

// remembered makes each request a scope of the recorder. It is outside of logged, whose line
// at ERROR lets out what the scope has.
func remembered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, forget := recorder.Begin(r.Context())
		defer forget()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// logged logs each request when it is answered.
func logged(logger *slog.Logger, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		answer := &answer{w, http.StatusOK}
		serve(answer, r)
		level := slog.LevelInfo
		if answer.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		logger.Log(r.Context(), level, "request",
			"method", r.Method, "path", r.URL.Path, "status", answer.status, "took", time.Since(begin))
	})
}

// answer remembers the status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}
