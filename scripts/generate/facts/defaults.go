//go:build ignore

// Prints the values that defaulting gives to fields: of fully allocated objects; with an argument also with the pointers of one type after the other left nil.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/controlplane"
)

// fill allocates pointers to structs, slices with one element, to make places where defaults may land.
func fill(v reflect.Value, depth int) {
	t := v.Type()
	switch t.String() {
	case "v1.Time", "v1.MicroTime", "resource.Quantity", "runtime.RawExtension", "v1.ObjectMeta", "v1.TypeMeta", "v1.FieldsV1", "intstr.IntOrString":
		return
	}
	if depth > 14 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !noptr && t.Elem().Kind() == reflect.Struct && v.CanSet() {
			switch t.Elem().String() {
			case "v1.Time", "v1.MicroTime", "resource.Quantity", "intstr.IntOrString", "v1.FieldsV1":
				return
			}
			v.Set(reflect.New(t.Elem()))
			fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			v.Set(reflect.MakeSlice(t, 1, 1))
			fill(v.Index(0), depth+1)
		}
	case reflect.Struct:
		types[t.PkgPath()+"."+t.Name()] = true
		for i := 0; i < v.NumField(); i++ {
			if skip == t.PkgPath()+"."+t.Name() && v.Field(i).Kind() == reflect.Pointer {
				continue
			}
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), depth+1)
			}
		}
	}
}

var out = map[string]map[string]bool{}
var noptr bool
var skip string
var types = map[string]bool{}

func add(k, v string) {
	if out[k] == nil {
		out[k] = map[string]bool{}
	}
	out[k][v] = true
}

func diff(a, b reflect.Value, def string, path string) {
	if !a.IsValid() || !b.IsValid() {
		return
	}
	t := a.Type()
	if reflect.DeepEqual(a.Interface(), b.Interface()) && (a.Kind() != reflect.Struct || t.String() == "resource.Quantity" || t.String() == "intstr.IntOrString" || strings.Contains(t.String(), "Time")) && !(a.Kind() == reflect.Pointer && !a.IsNil() && t.Elem().Kind() == reflect.Struct) && !(a.Kind() == reflect.Slice && a.Len() == 1) {
		add(def+" "+path, "-")
		return
	}
	switch a.Kind() {
	case reflect.Struct:
		if t.String() == "resource.Quantity" || t.String() == "intstr.IntOrString" {
			j, _ := json.Marshal(b.Interface())
			add(def+" "+path, string(j))
			return
		}
		for i := 0; i < a.NumField(); i++ {
			f := t.Field(i)
			if !f.IsExported() {
				continue
			}
			name := strings.Split(f.Tag.Get("json"), ",")[0]
			if name == "" {
				diff(a.Field(i), b.Field(i), def, path)
			} else {
				d := t.PkgPath() + "." + t.Name()
				diff(a.Field(i), b.Field(i), d, name)
			}
		}
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() || t.Elem().Kind() != reflect.Struct {
			j, _ := json.Marshal(b.Interface())
			add(def+" "+path, string(j))
			return
		}
		diff(a.Elem(), b.Elem(), def, path)
	case reflect.Slice:
		if a.Len() == 1 && b.Len() == 1 {
			diff(a.Index(0), b.Index(0), def, path)
			return
		}
		fallthrough
	default:
		j, _ := json.Marshal(b.Interface())
		add(def+" "+path, string(j))
	}
}

func main() {
	s := legacyscheme.Scheme
	noptr = len(os.Args) > 1
	once := func() {
		for gvk, t := range s.AllKnownTypes() {
			if gvk.Version == "__internal" || strings.Contains(gvk.Version, "alpha") || strings.Contains(gvk.Version, "beta") || strings.HasSuffix(gvk.Kind, "List") {
				continue
			}
			o := reflect.New(t)
			fill(o.Elem(), 0)
			before := reflect.New(t)
			if c, ok := o.Interface().(runtime.Object); ok {
				before = reflect.ValueOf(c.DeepCopyObject())
				func() {
					defer func() {
						if r := recover(); r != nil {
							fmt.Println("PANIC", gvk, r)
						}
					}()
					s.Default(c)
				}()
				diff(before.Elem(), o.Elem(), gvk.Kind, "")
			}
		}
	}
	once()
	if noptr {
		noptr = false
		once()
		all := []string{}
		for k := range types {
			all = append(all, k)
		}
		for _, k := range all {
			skip = k
			once()
		}
	}
	var ks []string
	for k, vs := range out {
		if len(vs) == 1 && vs["-"] {
			continue
		}
		l := []string{}
		for v := range vs {
			l = append(l, v)
		}
		sort.Strings(l)
		ks = append(ks, k+" = "+strings.Join(l, "  |  "))
	}
	sort.Strings(ks)
	for _, k := range ks {
		fmt.Println(k)
	}
}
