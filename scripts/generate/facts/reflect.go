//go:build ignore

// Prints what Go's reflection knows of the API types.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	agg "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

type Field struct {
	Name   string `json:"name,omitempty"`
	Type   string `json:"type"`
	Go     string `json:"go,omitempty"`
	Pb     string `json:"pb,omitempty"`
	Always bool   `json:"always,omitempty"`
	Inline bool   `json:"inline,omitempty"`
}
type Def struct {
	Fields []Field `json:"fields"`
}

var defs = map[string]*Def{}
var wanted = map[string]bool{}

func defName(t reflect.Type) string {
	p := t.PkgPath()
	if strings.HasPrefix(p, "k8s.io/") {
		p = "io." + strings.ReplaceAll(strings.Replace(p, "k8s.io/", "k8s.", 1), "/", ".")
	}
	return p + "." + t.Name()
}

func enc(t reflect.Type) string {
	switch t.String() {
	case "v1.Time":
		return "T"
	case "v1.MicroTime":
		return "M"
	case "v1.Duration":
		return "D"
	case "intstr.IntOrString":
		return "I"
	case "resource.Quantity":
		return "Q"
	case "runtime.RawExtension":
		return "R"
	case "v1.FieldsV1":
		return "F"
	case "v1.JSON":
		return "J"
	case "v1.JSONSchemaPropsOrBool", "v1.JSONSchemaPropsOrArray", "v1.JSONSchemaPropsOrStringArray":
		visit(t)
		return "@" + defName(t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + enc(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "[]" + enc(t.Elem())
	case reflect.Map:
		return "{}" + enc(t.Elem())
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int32:
		return "i"
	case reflect.Int64, reflect.Int:
		return "l"
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return "u"
	case reflect.Uint64:
		return "v"
	case reflect.Float64, reflect.Float32:
		return "d"
	case reflect.Struct:
		visit(t)
		return "@" + defName(t)
	case reflect.Interface:
		return "A"
	}
	panic(t.String())
}

func visit(t reflect.Type) {
	name := defName(t)
	if defs[name] != nil {
		return
	}
	d := &Def{}
	defs[name] = d
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("json"), ",")
		if tag[0] == "-" || !f.IsExported() {
			continue
		}
		has := func(s string) bool {
			for _, x := range tag[1:] {
				if x == s {
					return true
				}
			}
			return false
		}
		pb := strings.Split(f.Tag.Get("protobuf"), ",")
		num := ""
		if len(pb) > 1 {
			num = pb[1]
			if pb[0] == "varint" || pb[0] == "bytes" {
			} else {
				num += pb[0]
			}
		}
		inline := (f.Anonymous && tag[0] == "") || has("inline")
		k := f.Type.Kind()
		always := !has("omitempty") && !has("omitzero")
		if k == reflect.Struct && !has("omitzero") {
			always = true
		}
		nm := tag[0]
		if nm == "" && !inline {
			nm = f.Name
		}
		d.Fields = append(d.Fields, Field{Name: nm, Type: enc(f.Type), Go: f.Type.String(), Pb: num, Always: always && !inline, Inline: inline})
	}
}

func main() {
	s := runtime.NewScheme()
	_ = scheme.AddToScheme(s)
	_ = apiext.AddToScheme(s)
	_ = agg.AddToScheme(s)
	for gvk, t := range s.AllKnownTypes() {
		if gvk.Version == "__internal" || gvk.Group == "" && strings.HasSuffix(gvk.Kind, "Options") {
			continue
		}
		if strings.Contains(gvk.Version, "alpha") || strings.Contains(gvk.Version, "beta") {
			continue
		}
		visit(t)
	}
	visit(reflect.TypeOf(metav1.PartialObjectMetadata{}))
	visit(reflect.TypeOf(metav1.PartialObjectMetadataList{}))
	visit(reflect.TypeOf(metav1.Table{}))
	for _, o := range []any{metav1.DeleteOptions{}, metav1.Status{}, metav1.APIVersions{}, metav1.APIGroupList{}, metav1.APIGroup{}, metav1.APIResourceList{}} {
		visit(reflect.TypeOf(o))
	}
	json.NewEncoder(os.Stdout).Encode(defs)
}
