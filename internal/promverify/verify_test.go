package promverify

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const folder = "../../promexport/"

type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) (rules []rule) {
	text, err := os.ReadFile(folder + "rules/asynchandler.rules.yml")
	require.NoError(t, err)
	var file struct{ Groups []struct{ Rules []rule } }
	require.NoError(t, yaml.Unmarshal(text, &file))
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules
}

// exposedAndRecorded returns what there is to query.
func exposedAndRecorded(t *testing.T) series {
	s, err := exposed()
	require.NoError(t, err)
	for _, r := range readRules(t) {
		if r.Record != "" {
			s.add(r.Record, map[string]string{"handler": "default"})
		}
	}
	return s
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	s := exposedAndRecorded(t)
	for _, tt := range []struct{ name, expr, want string }{
		{"right", `sum by (handler) (rate(asynchandler_records_dropped_total{level=~"warn|error"}[5m]))`, ""},
		{"part of a histogram", `asynchandler_delivery_duration_seconds_bucket{le="+Inf"} - asynchandler_delivery_duration_seconds_count`, ""},
		{"a native histogram", `histogram_quantile(0.9, rate(asynchandler_delivery_duration_seconds[5m]))`, ""},
		{"part of a summary", `asynchandler_delivery_latency_seconds{quantile="0.99"}`, ""},
		{"syntax", `rate(asynchandler_records_dropped_total[5m]`, "unclosed"},
		{"type", `rate(asynchandler_records_dropped_total)`, "expected type range vector"},
		{"name", `asynchandler_records_droped_total`, "no series"},
		{"value of a label", `asynchandler_breaker_state{state="halfopen"}`, "no series"},
		{"name of a label", `asynchandler_breaker_state{to=~".*"}`, "no series"},
		{"a quantile that is not computed", `asynchandler_delivery_latency_seconds{quantile="0.999"}`, "no series"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := s.check(tt.expr); tt.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, tt.want)
			}
		})
	}
}

func TestRules(t *testing.T) {
	s := exposedAndRecorded(t)
	readme, err := os.ReadFile(folder + "README.md")
	require.NoError(t, err)
	alerts := 0
	for _, r := range readRules(t) {
		assert.NoError(t, s.check(r.Expr), r.Record+r.Alert)
		if r.Alert == "" {
			continue
		}
		alerts++
		assert.NotEmpty(t, r.Annotations["summary"], r.Alert)
		assert.Contains(t, []string{"critical", "warning"}, r.Labels["severity"], r.Alert)
		assert.True(t, strings.HasSuffix(r.Annotations["runbook_url"], "/promexport/README.md#"+strings.ToLower(r.Alert)), r.Alert)
		assert.Contains(t, string(readme), "\n### "+r.Alert+"\n", "what to do when it fires")
	}
	assert.Equal(t, alerts, strings.Count(string(readme), "\n### "), "no text without an alert")
}

type dashboard struct {
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		Targets                  []struct{ Expr string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	text, err := os.ReadFile(folder + "dashboard/asynchandler.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

func TestDashboard(t *testing.T) {
	d, s := readDashboard(t), exposedAndRecorded(t)
	// What Grafana puts in, for all jobs and handlers.
	values := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$handler", ".*")

	var rows []string
	ids := make(map[int]bool)
	for _, p := range d.Panels {
		assert.False(t, ids[p.ID], "%s has the id of another panel", p.Title)
		ids[p.ID] = true
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		assert.NotEmpty(t, p.Description, p.Title)
		assert.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			assert.NoError(t, s.check(values.Replace(target.Expr)), p.Title)
			assert.Equal(t, strings.Count(target.Expr, "{"), strings.Count(target.Expr, `{job=~"$job", handler=~"$handler"`), target.Expr)
		}
	}
	assert.Equal(t, []string{"Flow", "Loss", "Latency", "Breaker", "Memory", "Disk"}, rows)

	var names []string
	for _, v := range d.Templating.List {
		if names = append(names, v.Name); v.Name == "datasource" {
			continue
		}
		m := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(v.Definition)
		require.NotNil(t, m, v.Definition)
		assert.Equal(t, v.Name, m[2])
		assert.NoError(t, s.check(values.Replace(m[1])), v.Name)
	}
	assert.Equal(t, []string{"datasource", "job", "handler"}, names)
}

// Tools made with Grafana's own library can read the dashboard, which takes no field that
// it does not know and none that is incomplete.
func TestGrafanaReadsTheDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins() // the types of panels and queries
	text, err := os.ReadFile(folder + "dashboard/asynchandler.json")
	require.NoError(t, err)
	var d grafana.Dashboard
	require.Empty(t, d.UnmarshalJSONStrict(text), "a list of errors, which is not nil if there are none")
	require.NoError(t, d.Validate())
	assert.Equal(t, "asynchandler", *d.Title)
}

// A server that reads native histograms keeps no classic buckets, others have no native
// ones: a panel of quantiles must ask for both.
func TestDashboardAsksForBothKindsOfBuckets(t *testing.T) {
	const metric = "asynchandler_delivery_duration_seconds"
	panels := 0
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			if strings.Contains(target.Expr, metric) {
				panels++
				assert.Contains(t, target.Expr, metric+"_bucket{", p.Title)
				assert.Contains(t, target.Expr, " or histogram_quantile(", p.Title)
				assert.Contains(t, target.Expr, metric+"{", p.Title)
			}
		}
	}
	assert.NotZero(t, panels)
}

// Every metric is on the dashboard, so that a new one is not forgotten there.
func TestDashboardShowsEachMetric(t *testing.T) {
	text, err := os.ReadFile(folder + "dashboard/asynchandler.json")
	require.NoError(t, err)
	s, err := exposed()
	require.NoError(t, err)
	for name := range s {
		name = strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
		assert.Contains(t, string(text), name)
	}
}
