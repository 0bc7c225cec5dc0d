module github.com/asynchandler/asynchandler/examples/fastjson

go 1.26.0

require (
	github.com/asynchandler/asynchandler v0.0.0
	github.com/lmittmann/tint v1.2.1
	github.com/phuslu/log v1.0.121
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/asynchandler/asynchandler => ../..
