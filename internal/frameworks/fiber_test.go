package frameworks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// gate is a writer that waits until it is opened, so that the lines wait behind it.
type gate struct {
	opened chan struct{}
	bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.opened
	return g.Buffer.Write(p)
}

// fiber's strings are over buffers that the next request overwrites. All lines wait
// until the last request has been served.
func TestFiberLinesShowTheirOwnRequest(t *testing.T) {
	out := &gate{opened: make(chan struct{})}
	open := sync.OnceFunc(func() { close(out.opened) })
	t.Cleanup(open)
	h := asynchandler.New(slog.NewJSONHandler(out, nil),
		asynchandler.WithCapture(asynchandler.CaptureCopy), asynchandler.WithCapacity(2*clients*requests))
	address := serveFiber(t, slog.New(h))
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() { askFiber(t, address, client) })
	}
	wg.Wait()
	open()
	require.NoError(t, h.Close())

	seen := map[string]bool{}
	for lines := bufio.NewScanner(&out.Buffer); lines.Scan(); {
		var line struct {
			Msg, ID string
			Request struct{ Path, Query, Header string }
			List    []string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		assert.Equal(t, line.ID, line.Msg)
		assert.Equal(t, "/"+line.ID, line.Request.Path)
		assert.Equal(t, line.ID, line.Request.Query)
		assert.Equal(t, line.ID, line.Request.Header)
		assert.Equal(t, []string{line.ID}, line.List)
		seen[line.ID] = true
	}
	assert.Len(t, seen, clients*requests, "a line for each request")
	for id := range clients * requests {
		assert.Contains(t, seen, requestID(id/requests, id%requests))
	}
}

func requestID(client, n int) string { return fmt.Sprintf("c%02d-n%04d", client, n) }

// serveFiber returns where a service listens that logs the strings of its requests.
func serveFiber(t *testing.T, logger *slog.Logger) string {
	t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/:id", func(c *fiber.Ctx) error {
		logger.Info(c.Params("id"), "id", c.Params("id"), "list", []string{c.Params("id")},
			slog.Group("request", "path", c.Path(), "query", c.Query("q"), "header", c.Get("X-Request")))
		return c.SendStatus(http.StatusNoContent)
	})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- app.Listener(l) }()
	t.Cleanup(func() {
		assert.NoError(t, app.Shutdown())
		assert.NoError(t, <-served)
	})
	return "http://" + l.Addr().String()
}

// askFiber makes requests one after the other, over one connection.
func askFiber(t *testing.T, address string, client int) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for n := range requests {
		id := requestID(client, n)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/"+id+"?q="+id, nil)
		if !assert.NoError(t, err) {
			return
		}
		r.Header.Set("X-Request", id)
		answer, err := transport.RoundTrip(r)
		if !assert.NoError(t, err) {
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		assert.Equal(t, http.StatusNoContent, answer.StatusCode)
	}
}
