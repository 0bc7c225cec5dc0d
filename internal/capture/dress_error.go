package capture

// Errors have the more combinations of methods, as MarshalJSON takes the place of Error
// for a JSON handler.
type (
	frozenText struct {
		frozenError
		withText
	}
	frozenString struct {
		frozenError
		withString
	}
	frozenTextString struct {
		frozenError
		withText
		withString
	}
	frozenFormat struct {
		frozenError
		withFormat
	}
	frozenTextFormat struct {
		frozenError
		withText
		withFormat
	}
	frozenStringFormat struct {
		frozenError
		withString
		withFormat
	}
	frozenTextStringFormat struct {
		frozenError
		withText
		withString
		withFormat
	}
	frozenJSON struct {
		frozenError
		withJSON
	}
	frozenTextJSON struct {
		frozenError
		withText
		withJSON
	}
	frozenStringJSON struct {
		frozenError
		withString
		withJSON
	}
	frozenTextStringJSON struct {
		frozenError
		withText
		withString
		withJSON
	}
	frozenFormatJSON struct {
		frozenError
		withFormat
		withJSON
	}
	frozenTextFormatJSON struct {
		frozenError
		withText
		withFormat
		withJSON
	}
	frozenStringFormatJSON struct {
		frozenError
		withString
		withFormat
		withJSON
	}
	frozenTextStringFormatJSON struct {
		frozenError
		withText
		withString
		withFormat
		withJSON
	}
)

// dressError returns an error that shows f, has the methods has and unwraps to err.
func dressError(f forms, has methods, err error) error {
	e := frozenError{err, f.err}
	j, t, s, p := withJSON{f.json}, withText{f.text}, withString{f.string}, withFormat{f.plain, f.plus}
	switch has &^ hasError {
	case hasText:
		return frozenText{e, t}
	case hasString:
		return frozenString{e, s}
	case hasText | hasString:
		return frozenTextString{e, t, s}
	case hasFormat:
		return frozenFormat{e, p}
	case hasText | hasFormat:
		return frozenTextFormat{e, t, p}
	case hasString | hasFormat:
		return frozenStringFormat{e, s, p}
	case hasText | hasString | hasFormat:
		return frozenTextStringFormat{e, t, s, p}
	case hasJSON:
		return frozenJSON{e, j}
	case hasText | hasJSON:
		return frozenTextJSON{e, t, j}
	case hasString | hasJSON:
		return frozenStringJSON{e, s, j}
	case hasText | hasString | hasJSON:
		return frozenTextStringJSON{e, t, s, j}
	case hasFormat | hasJSON:
		return frozenFormatJSON{e, p, j}
	case hasText | hasFormat | hasJSON:
		return frozenTextFormatJSON{e, t, p, j}
	case hasString | hasFormat | hasJSON:
		return frozenStringFormatJSON{e, s, p, j}
	case hasText | hasString | hasFormat | hasJSON:
		return frozenTextStringFormatJSON{e, t, s, p, j}
	default:
		return e
	}
}
