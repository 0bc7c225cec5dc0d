package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
)

// childVariable has, in the environment of a process that runs one scenario, a task.
const childVariable = "ASYNCHANDLER_BENCHMARK"

type task struct {
	Scenario, Contender string
	Quick               bool
}

func isChild() bool { return os.Getenv(childVariable) != "" }

// runChild does the task of this process and prints the result.
func runChild() error {
	var t task
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &t); err != nil {
		return err
	}
	s := scenarioNamed(t.Scenario)
	i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == t.Contender })
	if s == nil || i < 0 {
		return fmt.Errorf("there is no %+v", t)
	}
	r, err := s.isolated(contenders[i], t.Quick)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func scenarioNamed(name string) *scenario {
	found := families(regexp.MustCompile("^" + regexp.QuoteMeta(name) + "$"))
	if len(found) == 0 {
		return nil
	}
	return &found[0].cases[0]
}

// inProcess runs a task in a process of its own.
func inProcess(t task) (result, error) {
	variable, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childVariable+"="+string(variable))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%+v: %w", t, err)
	}
	var r result
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&r); err != nil {
		return nil, fmt.Errorf("%+v printed %q: %w", t, out, err)
	}
	return r, nil
}
