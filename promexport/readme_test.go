package promexport_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/promexport"
	"github.com/asynchandler/asynchandler/spool"
)

// scraped returns the text that a server gets.
func scraped(t *testing.T, sources ...promexport.Source) string {
	t.Helper()
	_, r := register(t, sources...)
	got := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return got.Body.String()
}

// seriesIn counts the lines that are no comments and begin so.
func seriesIn(text, prefix string) (n int) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func TestReadmeSaysHowMuchAScrapeIs(t *testing.T) {
	disk, err := spool.Open(t.TempDir(), spool.Options{})
	require.NoError(t, err)
	plain := asynchandler.NewJSONHandler(io.Discard, nil)
	defer plain.Close()
	second := asynchandler.NewJSONHandler(io.Discard, nil)
	defer second.Close()
	spooled := asynchandler.NewJSONHandler(io.Discard, nil, asynchandler.WithSpool(disk))
	defer spooled.Close()

	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	readme := strings.Join(strings.Fields(string(text)), " ")
	says := func(format string, numbers ...any) {
		t.Helper()
		want := fmt.Sprintf(format, numbers...)
		assert.True(t, strings.Contains(readme, want), "the text should be: %s", want)
	}
	one := scraped(t, plain)
	says("A handler has %d series, %d with a spool, %d of them for `asynchandler_records_dropped_total`",
		seriesIn(one, "asynchandler_"), seriesIn(scraped(t, spooled), "asynchandler_"), seriesIn(one, "asynchandler_records_dropped_total"))
	says("That is %.0f KB of text in a scrape, and %.0f KB for each further handler",
		float64(len(one))/1000, float64(len(scraped(t, plain, second))-len(one))/1000)
}
