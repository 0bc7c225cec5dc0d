package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"syscall"
	"time"
)

// linesPerRequest is how often a request logs.
const linesPerRequest = 3

// slogContenders are those that a program on log/slog chooses from.
var slogContenders = []string{
	floorName, syncName, "channel + bufio", "zap via slog", "zerolog diode via slog",
	"phuslu/log via slog", "OpenTelemetry via slog", oursName,
}

func requestsFamily() family {
	f := family{
		name: "requests",
		about: "an HTTP service and its client in one process, three lines a request into a file, so many requests a second with GOMAXPROCS 1 and 2: " +
			"CPU time and voluntary context switches of the process for each",
		metrics: []metric{{"CPU", duration, syncName}, {"switches", fraction, syncName}},
		only:    slogContenders,
	}
	for _, procs := range []int{1, 2} {
		for _, perSec := range []int{50, 200, 1000, 3000} {
			f.cases = append(f.cases, scenario{
				fmt.Sprintf("%d/s on %d", perSec, procs),
				func(c contender, b bench) (result, error) { return runRequests(c, b, perSec, procs) },
			})
		}
	}
	return f
}

func runRequests(c contender, b bench, perSec, procs int) (result, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	s, first, err := c.openWarm(sink{path: b.logFile(), capacity: defaultCapacity}, b)
	if err != nil {
		return nil, err
	}
	service, err := startService(s.logger, first)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.close = inOrder(service.close, s.close)
	warmUp, requests := b.size(100, 2), b.size(4*perSec, 5)
	if err := service.get(every(time.Millisecond), warmUp); err != nil {
		return nil, errors.Join(err, s.close())
	}
	before := usage()
	err = service.get(every(time.Second/time.Duration(perSec)), requests)
	after := usage()
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	r, err := closeAndVerify(c, s, b.logFile(), first+linesPerRequest*(warmUp+requests))
	if err != nil {
		return nil, err
	}
	r["CPU"] = float64(cpuOf(after)-cpuOf(before)) / float64(requests)
	r["switches"] = float64(after.Nvcsw-before.Nvcsw) / float64(requests)
	return r, nil
}

// A service answers HTTP requests, one at a time, and logs for each.
type service struct {
	logger
	next   int // number to log
	server http.Server
	client http.Client
	url    string
}

func startService(l logger, first int) (*service, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &service{logger: l, next: first, url: "http://" + listener.Addr().String()}
	s.server.Handler = s
	s.client.Transport = &http.Transport{}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for range linesPerRequest {
		s.log3(s.next)
		s.next++
	}
	_, _ = io.WriteString(w, message)
}

// get sends requests at their time, and returns when the time of one more has come.
func (s *service) get(pace rhythm, requests int) error {
	for i := range requests {
		pace.wait(i)
		if err := s.getOne(); err != nil {
			return err
		}
	}
	pace.wait(requests)
	return nil
}

func (s *service) getOne() error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// close returns when all requests have ended.
func (s *service) close() error {
	s.client.CloseIdleConnections()
	return s.server.Shutdown(context.Background())
}

// usage returns what the process has used so far.
func usage() syscall.Rusage {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no way to fail
	}
	return u
}

func cpuOf(u syscall.Rusage) time.Duration { return time.Duration(u.Utime.Nano() + u.Stime.Nano()) }
