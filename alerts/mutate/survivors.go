package main

// equivalents are the mutants that no test can kill, each with the reason why.
var equivalents = map[string]string{}
