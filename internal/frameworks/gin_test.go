package frameworks

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

const (
	clients  = 8
	requests = 200 // of each client
)

// gin uses its contexts again, and the fields behind their methods change with the next
// request: the race detector sees a method that is called after the request.
func TestGinContextsAreNotTouchedAfterTheRequest(t *testing.T) {
	gin.SetMode(gin.TestMode)
	var out bytes.Buffer
	// A short queue, so that lines are delivered between the requests.
	h := asynchandler.NewJSONHandler(&out, nil, asynchandler.WithOverflow(asynchandler.Block), asynchandler.WithCapacity(16))
	logger := slog.New(h)
	engine := gin.New()
	engine.ContextWithFallback = true // Done, Err and Value read the request
	engine.GET("/:id", func(c *gin.Context) {
		c.Set("id", c.Param("id"))
		logger.InfoContext(c, "begin", "id", c.Param("id"))
		logger.With("via", "with").InfoContext(c, "end", slog.Group("request", "id", c.Param("id")))
		c.Status(http.StatusNoContent)
	})
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range requests {
				w := httptest.NewRecorder()
				engine.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/7", nil))
				assert.Equal(t, http.StatusNoContent, w.Code)
			}
		})
	}
	wg.Wait()
	require.NoError(t, h.Close())
	assert.Equal(t, 2*clients*requests, bytes.Count(out.Bytes(), []byte("\n")))
}
