package kubernetes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/controller-tools/pkg/crd"
	crdmarkers "sigs.k8s.io/controller-tools/pkg/crd/markers"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"
	"sigs.k8s.io/yaml"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// operatorAPI is where the operator's Go types are, one package a version.
const operatorAPI = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/"

// operatorSchemas are what a cluster checks the operator's kinds with. The
// operator's module ships no CustomResourceDefinitions, so they are made as the
// operator makes its own: from its Go types and the markers in their comments.
// Their rules in CEL are not asked; of the kinds here, one has such a rule, and
// it is about passwords.
var operatorSchemas = sync.OnceValues(func() (map[string]*validate.SchemaValidator, error) {
	roots, err := loader.LoadRoots(operatorAPI+"v1", operatorAPI+"v1alpha1")
	if err != nil {
		return nil, err
	}
	registry := &markers.Registry{}
	if err := crdmarkers.Register(registry); err != nil {
		return nil, err
	}
	parser := &crd.Parser{Collector: &markers.Collector{Registry: registry}, Checker: &loader.TypeChecker{}}
	crd.AddKnownTypes(parser)
	for _, root := range roots {
		parser.NeedPackage(root)
	}
	schemas := map[string]*validate.SchemaValidator{}
	for _, kind := range []string{"Probe", "PrometheusRule", "ScrapeConfig", "ServiceMonitor"} {
		group := schema.GroupKind{Group: "monitoring.coreos.com", Kind: kind}
		parser.NeedCRDFor(group, nil)
		for _, version := range parser.CustomResourceDefinitions[group].Spec.Versions {
			validator, err := validatorOf(version.Schema.OpenAPIV3Schema)
			if err != nil {
				return nil, err
			}
			schemas[group.Group+"/"+version.Name+"/"+kind] = validator
		}
	}
	return schemas, nil
})

func validatorOf(properties *apiextensions.JSONSchemaProps) (*validate.SchemaValidator, error) {
	text, err := json.Marshal(properties)
	if err != nil {
		return nil, err
	}
	var openAPI spec.Schema
	if err := json.Unmarshal(text, &openAPI); err != nil {
		return nil, err
	}
	if len(openAPI.Properties["spec"].Properties) == 0 {
		return nil, errors.New("a schema that knows no field of spec")
	}
	return validate.NewSchemaValidator(&openAPI, nil, "", strfmt.Default), nil
}

// operatorRefusals checks a manifest of one of the operator's kinds as the
// cluster does by its CustomResourceDefinition.
func operatorRefusals(t *testing.T, text []byte) []error {
	t.Helper()
	schemas := must(operatorSchemas())(t)
	var kind meta.TypeMeta
	var content map[string]any
	if err := errors.Join(yaml.Unmarshal(text, &kind), yaml.Unmarshal(text, &content)); err != nil {
		t.Fatal(err)
	}
	validator, known := schemas[kind.APIVersion+"/"+kind.Kind]
	if !known {
		return []error{fmt.Errorf("the operator has no %s %s", kind.APIVersion, kind.Kind)}
	}
	return validator.Validate(content).Errors
}
