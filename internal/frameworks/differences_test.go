package frameworks

// Why a line differs. A test fails when one no longer does.
const (
	noMethods = "funcr reads fields by reflection, and what was rendered at the call has none: it shows {}"
	nilString = "funcr and klog call String of a nil pointer and show its panic; what was rendered is <nil>"
	madeForms = "not known to be JSON: a form that the value has no method for is made of the one that it has"
	slogsJSON = "FormatJSON is by slog's rules, which ask for no String method; this handler asks for it first"
	nilIsNull = "FormatJSON shows a nil pointer as null; this handler asks for its String method first"
)

// differences are those with New alone.
var differences = map[string]map[string]string{
	"phuslu":     {"nil Stringer": madeForms},
	"zerolog":    {"Stringer": madeForms},
	"textlogger": {"nil Stringer": nilString},
	"tint":       {"json.Marshaler": madeForms},
	"funcr": {
		"struct with a slice": noMethods, "pointer": noMethods, "pointer to int": noMethods,
		"slice of pointers": noMethods, "map of any": noMethods, "pointer to secret": noMethods,
		"slice of secrets": noMethods, "map of secrets": noMethods, "LogValuer": noMethods,
		"group": noMethods, "nil Stringer": nilString,
	},
}

// differencesWithOption are those with the option of the handler.
var differencesWithOption = map[string]map[string]string{
	"zapslog":    {"Stringer": slogsJSON, "nil Stringer": nilIsNull, "big.Int": slogsJSON},
	"phuslu":     {"Stringer": slogsJSON, "big.Int": slogsJSON},
	"textlogger": {"Stringer": slogsJSON, "nil Stringer": nilIsNull, "big.Int": slogsJSON},
}
