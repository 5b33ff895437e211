package main

import (
	"fmt"
	"net/http"
	"os"
)

// get URL: net/http with the proxy of the environment.
func main() {
	response, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(response.StatusCode)
}
