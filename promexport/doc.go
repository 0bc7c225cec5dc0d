// Package promexport shows the statistics of handlers to Prometheus: how many records were
// logged, delivered and lost, why, how long the queue is, how long delivery takes, and
// whether the breaker is open.
//
//	h := asynchandler.NewJSONHandler(os.Stdout, nil, asynchandler.WithName("access"))
//	defer h.Close()
//
//	prometheus.MustRegister(promexport.NewCollector(h))
//	http.Handle("/metrics", promhttp.Handler())
//
// All metrics begin with asynchandler_ and have the label handler, which is the name given
// by [asynchandler.WithName]. What each of them means, and what to do about it, is in its
// help text. The folders rules and dashboard beside this file hold alerting rules and a
// Grafana dashboard; README.md says what to do when an alert fires.
//
// # Performance
//
// Nothing is counted here: a scrape takes one snapshot of each source with Stats and shows
// that. Log calls do not notice, and no scrape waits for a delivery or changes the state of
// a breaker.
//
// # Several handlers
//
// Use one [Collector] per registry, and [Collector.Add] for further handlers: a second
// collector on the same registry is refused, as its metrics have the same names. Of two
// handlers with the same name the second is shown as name-2. Handlers derived with WithAttrs
// and WithGroup have the queue of the one they come from, and count as one with it. [Sources]
// gives the members of an [asynchandler.MultiHandler].
//
// # Concurrency
//
// All methods of [Collector] may be called concurrently, and while a scrape is under way.
//
// # Without Prometheus
//
// The same numbers as JSON, at /debug/vars:
//
//	expvar.Publish("log", expvar.Func(func() any { return h.Stats() }))
package promexport
