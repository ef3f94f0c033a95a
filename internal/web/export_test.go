package web

// ScrapeTimeout is scrapeTimeout, for tests from outside.
var ScrapeTimeout = scrapeTimeout
