module github.com/asynchandler/asynchandler/examples/rotation

go 1.26.0

require (
	github.com/DeRuina/timberjack v1.4.9
	github.com/asynchandler/asynchandler v0.0.0
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
)

require (
	github.com/klauspost/compress v1.18.7 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/asynchandler/asynchandler => ../..
