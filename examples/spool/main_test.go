package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if os.Getenv(asService) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestNoLineIsLostButWhatWasInMemory(t *testing.T) {
	var out, stderr bytes.Buffer
	require.Zero(t, run([]string{"-away", "3s"}, &out, &stderr), "%s%s", &out, &stderr)
	t.Log("\n" + out.String())
	text := out.String()
	assert.Contains(t, text[strings.LastIndex(text, "service 2: "):], " 0 lost")
	for _, service := range []string{"service 1: ", "service 2: "} {
		_, verdict, found := strings.Cut(text, service)
		require.True(t, found)
		assert.Contains(t, verdict, "doubled")
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-away", "1ms"}, {"-rate", "1"}, {"x"}, {"-none"}} {
		var out, stderr bytes.Buffer
		assert.Equal(t, 2, run(args, &out, &stderr))
		assert.NotEmpty(t, stderr.String())
		assert.Empty(t, out.String())
	}
	var out, stderr bytes.Buffer
	assert.Zero(t, run([]string{"-h"}, &out, &stderr))
}
