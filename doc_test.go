package asynchandler_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// filesOf returns the text of all files below this folder with that ending, by their paths
// with slashes.
func filesOf(t *testing.T, ending string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && len(name) > 1 && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir // what others keep there comes and goes
		case entry.IsDir() || !strings.HasSuffix(name, ending):
			return nil
		}
		texts[filepath.ToSlash(name)] = page(t, name)
		return nil
	}))
	return texts
}

// page returns the text of one document.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestTheReadmeIsShort(t *testing.T) {
	assert.LessOrEqual(t, len(page(t, "README.md")), 12<<10, "what is longer belongs into docs")
}

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	inline    = regexp.MustCompile("`[^`\n]*`")
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	unwritten = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchorsOf returns the names that GitHub gives to the headings of a page.
func anchorsOf(text string) map[string]bool {
	anchors := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		name := strings.ReplaceAll(unwritten.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-")
		for n := 1; anchors[name]; n++ {
			name = fmt.Sprintf("%s-%d", strings.TrimSuffix(name, fmt.Sprintf("-%d", n-1)), n)
		}
		anchors[name] = true
	}
	return anchors
}

func TestTheLinksOfTheDocumentationLeadSomewhere(t *testing.T) {
	pages := filesOf(t, ".md")
	for name, text := range pages {
		text = inline.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "`code`")
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			file, anchor, anchored := strings.Cut(found[1], "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(filepath.FromSlash(target)); !assert.NoError(t, err, "%s links to %s", name, found[1]) {
				continue
			}
			if anchored && strings.HasSuffix(target, ".md") {
				assert.True(t, anchorsOf(pages[target])[anchor], "%s links to %s, which has no such heading", name, found[1])
			}
		}
	}
}

func TestEachPromiseNamesItsTests(t *testing.T) {
	_, text, _ := strings.Cut(page(t, "docs/promises.md"), "\n## ")
	readme := page(t, "README.md")
	for i, section := range strings.Split(text, "\n## ") {
		number := i + 1
		title, _, _ := strings.Cut(section, "\n")
		require.True(t, strings.HasPrefix(title, fmt.Sprintf("P%d ", number)), title)
		assert.Contains(t, readme, fmt.Sprintf("- [P%d](docs/promises.md#p%d-", number, number))
		assert.Contains(t, section, "\n**Not covered.** ", title)
		_, proof, _ := strings.Cut(section, "\n**Proved by** ")
		tests := link.FindAllStringSubmatch(proof, -1)
		assert.NotEmpty(t, tests, title)
		for _, file := range tests {
			assert.True(t, strings.HasSuffix(file[1], "_test.go"), "%s: %s", title, file[1])
		}
	}
}

// declarationsOf returns the types and functions of a package of this module.
func declarationsOf(t *testing.T, folder string) (named map[string]*ast.TypeSpec, functions []*ast.FuncDecl) {
	t.Helper()
	named = map[string]*ast.TypeSpec{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				functions = append(functions, decl)
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						if spec.Doc == nil {
							spec.Doc = decl.Doc
						}
						named[spec.Name.Name] = spec
					}
				}
			}
		}
	}
	return named, functions
}

// optionsOf returns the names and comments of all options.
func optionsOf(t *testing.T) map[string]string {
	t.Helper()
	options := map[string]string{}
	_, functions := declarationsOf(t, ".")
	for _, f := range functions {
		results := f.Type.Results
		if f.Recv == nil && f.Name.IsExported() && results != nil && len(results.List) == 1 && types.ExprString(results.List[0].Type) == "Option" {
			options[f.Name.Name] = f.Doc.Text()
		}
	}
	require.NotEmpty(t, options)
	return options
}

func TestEachOptionSaysItsDefault(t *testing.T) {
	for name, text := range optionsOf(t) {
		assert.Contains(t, strings.ReplaceAll(text, "\n", " "), "Default: ", name)
	}
}

// foreign are names that begin like those of options, or were options once.
var foreign = map[string]bool{
	"WithAttrs": true, "WithGroup": true, // of slog.Handler
	"WithFlushInterval": true,                           // in what tells of older versions
	"WithWorkerCount":   true, "WithFlushTimeout": true, // of slogcpasync
}

func TestTheDocumentationNamesNothingThatIsNotThere(t *testing.T) {
	option := regexp.MustCompile(`(?:^|[^.\w]|\basynchandler\.)(With[A-Z]\w*)`)
	metric := regexp.MustCompile(`\basynchandler_[a-z_]+[a-z]\b`)
	options := optionsOf(t)
	exposition := page(t, "promexport/testdata/full.txt")
	for name, text := range filesOf(t, ".md") {
		if strings.HasPrefix(name, "examples/") {
			continue // they have options of other packages
		}
		for _, found := range option.FindAllStringSubmatch(text, -1) {
			_, known := options[found[1]]
			assert.True(t, known || foreign[found[1]], "%s: %s", name, found[1])
		}
		for _, found := range metric.FindAllString(text, -1) {
			ours := strings.Contains(exposition, "\n"+found) || strings.HasPrefix(exposition, "# HELP "+found+" ")
			assert.True(t, ours || found == "asynchandler_test" || strings.HasPrefix(found, "asynchandler_recorder_"), "%s: %s", name, found)
		}
	}
}

func TestStatsAndMetricsAreDocumentedOnce(t *testing.T) {
	var fields, metrics []string
	_, section, _ := strings.Cut(page(t, "docs/operating.md"), "\n## Stats and metrics\n")
	section, _, _ = strings.Cut(section, "\n#")
	for row := range strings.Lines(section) {
		if columns := strings.Split(row, "|"); strings.HasPrefix(row, "| `") && len(columns) == 5 {
			fields = append(fields, inline.FindAllString(columns[1], -1)...)
			metrics = append(metrics, inline.FindAllString(columns[2], -1)...)
		}
	}
	var wantFields, wantMetrics []string
	for field := range reflect.TypeFor[asynchandler.Stats]().Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "-" {
			wantFields = append(wantFields, "`"+key+"`")
		}
	}
	for _, found := range regexp.MustCompile(`(?m)^# HELP (\w+)`).FindAllStringSubmatch(page(t, "promexport/testdata/full.txt"), -1) {
		wantMetrics = append(wantMetrics, "`"+found[1]+"`")
	}
	assert.ElementsMatch(t, wantFields, fields)
	assert.ElementsMatch(t, append(wantMetrics, "`handler`"), metrics, "and the label")
}

// go doc shows an alias without the fields of what it stands for: so its comment has them.
func TestAliasesShowTheirFields(t *testing.T) {
	aliases, _ := declarationsOf(t, ".")
	sources, _ := declarationsOf(t, "async")
	shown := 0
	for name, alias := range aliases {
		source := sources[name]
		if !alias.Assign.IsValid() || source == nil {
			continue
		}
		fields, ok := source.Type.(*ast.StructType)
		if !ok {
			continue
		}
		shown++
		words := " " + strings.Join(strings.Fields(alias.Doc.Text()), " ") + " "
		for _, field := range fields.Fields.List {
			for _, id := range field.Names {
				if id.IsExported() {
					assert.Contains(t, words, " "+id.Name+" "+types.ExprString(field.Type)+" ", "the comment of %s", name)
				}
			}
		}
	}
	assert.Greater(t, shown, 5)
}

func TestTheFiguresOfTheReadmeAreThoseOfTheBenchmarks(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| .*RESULTS\.md#(\w+)\)[^|]*\|(.*)\|$`)
	figure := regexp.MustCompile(`\d[\d.]*(?:x| ns| us| ms| s)\b`)
	results := page(t, "internal/benchmarks/RESULTS.md")
	rows := row.FindAllStringSubmatch(page(t, "README.md"), -1)
	assert.Len(t, rows, 4)
	for _, r := range rows {
		_, section, _ := strings.Cut(results, "\n## "+r[1]+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for _, found := range figure.FindAllString(r[2], -1) {
			assert.Contains(t, section, found, r[1])
		}
	}
}
