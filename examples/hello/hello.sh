#!/bin/sh
echo "Hello from $(cat /etc/platform), built on $(cat /etc/built-on), running on $(uname -m)"
