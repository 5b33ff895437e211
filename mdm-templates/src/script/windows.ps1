# Flowstate cloud proxy for Windows: @@VARIANT@@. Runs as the signed-in person@@AS_WHOM@@.
# Exit codes: 0 done, 1 differs from what is wanted (detect), 2 no usable e-mail, 3 no usable key, 4 another proxy is configured.
$ErrorActionPreference = 'Stop'
$Variant = '@@VARIANT@@'
$Mode = '@@MODE@@'
$Scope = '@@WINDOWS_SCOPE@@'
$Replace = @@REPLACE_PS@@
$Proxy = '@@PROXY@@'
$Relay = '@@RELAY@@'
$NoProxy = '@@NO_PROXY@@'
$State = '@@REGISTRY_ROOT@@:\Software\Flowstate\Proxy'

function Stop-Payload([int]$Code, [string]$Text) {
  [Console]::Error.WriteLine("flowstate: $Text")
  exit $Code
}

function Find-Email {
  # For a local account whoami writes to standard error, which Windows PowerShell would take for a failure of ours.
  $ErrorActionPreference = 'Continue'
  $upn = "$(& "$env:SystemRoot\System32\whoami.exe" /upn 2>$null)".Trim()
  if ($upn) { return $upn }
  $sid = [Security.Principal.WindowsIdentity]::GetCurrent().User.Value
  foreach ($provider in @(Get-ChildItem 'HKLM:\SOFTWARE\Microsoft\IdentityStore\LogonCache' -ErrorAction SilentlyContinue)) {
    $entry = Get-ItemProperty "$($provider.PSPath)\Sid2Name\$sid" -ErrorAction SilentlyContinue
    if ($entry -and $entry.IdentityName) { return $entry.IdentityName }
  }
  return ''
}

function Test-Email([string]$Text) {
  return ($Text.Length -le 254) -and ($Text -match '^[^@\s\p{Cc}<>{}$%]+@[^@\s\p{Cc}<>{}$%]+\.[^@\s\p{Cc}<>{}$%]+\z')
}

function Find-Key {
  $fromEnvironment = [Environment]::GetEnvironmentVariable('@@SECRET_NAME@@', 'Process')
  if ($fromEnvironment) { return $fromEnvironment }
  return '@@SECRET_TOKEN@@'
}

function Test-Key([string]$Text) {
  return $Text -cmatch '^fs[ksu]_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}\z'
}

function ConvertTo-UrlText([string]$Text) {
  $encoded = [Uri]::EscapeDataString($Text)
  foreach ($letter in '!', "'", '(', ')', '*') {
    $encoded = $encoded.Replace($letter, ('%{0:X2}' -f [int][char]$letter))
  }
  return $encoded
}

function Get-Wanted([string]$Url) {
  $wanted = [ordered]@{ HTTP_PROXY = $Url; HTTPS_PROXY = $Url; NO_PROXY = $NoProxy; NODE_USE_ENV_PROXY = '1' }
  return $wanted
}

function Get-Remembered([string]$Name) {
  $entry = Get-ItemProperty $State -Name $Name -ErrorAction SilentlyContinue
  if ($null -eq $entry) { return $null }
  return $entry.$Name
}

function Remove-KeyText([string]$Text) {
  return $Text -replace ':fs[ksu]_[A-Za-z0-9_]*@', ':@'
}

function Uninstall-Variables {
  if (-not (Test-Path $State)) { return }
  foreach ($name in @(Get-Remembered 'Names')) {
    [Environment]::SetEnvironmentVariable($name, (Get-Remembered "Previous.$name"), $Scope)
  }
  Remove-Item $State -Recurse -Force
  $parent = Split-Path $State
  if (@(Get-ChildItem $parent).Count -eq 0 -and (Get-Item $parent).ValueCount -eq 0) { Remove-Item $parent -Force }
}

function Install-Variables($Wanted) {
  $ours = @(Get-Remembered 'Names')
  if (-not $Replace) {
    foreach ($name in 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY') {
      $there = [Environment]::GetEnvironmentVariable($name, $Scope)
      if ($there -and ($ours -notcontains $name)) {
        Stop-Payload 4 "another proxy is set in $name; nothing was changed (render with --replace to override it)"
      }
    }
  }
  if (-not (Test-Path $State)) { New-Item $State -Force | Out-Null }
  foreach ($name in $Wanted.Keys) {
    if ($ours -contains $name) { continue }
    $there = [Environment]::GetEnvironmentVariable($name, $Scope)
    if ($null -ne $there) { Set-ItemProperty $State -Name "Previous.$name" -Value $there }
  }
  Set-ItemProperty $State -Name 'Names' -Type MultiString -Value @($Wanted.Keys)
  $changed = 0
  foreach ($name in $Wanted.Keys) {
    if ([Environment]::GetEnvironmentVariable($name, $Scope) -cne $Wanted[$name]) {
      [Environment]::SetEnvironmentVariable($name, $Wanted[$name], $Scope)
      $changed += 1
    }
  }
  Write-Output "flowstate: installed, $changed changed; programs that are open see it after a restart"
}

if ($Variant -eq 'uninstall') {
  Uninstall-Variables
  Write-Output 'flowstate: removed'
  exit 0
}

$url = $Relay
if ($Mode -eq 'direct') {
  $email = Find-Email
  if (-not (Test-Email $email)) { Stop-Payload 2 'no e-mail is known for the signed-in account; join the device to Entra ID or sign in with a work account' }
  $key = Find-Key
  if (-not (Test-Key $key)) {
    if ($Variant -ne 'detect') { Stop-Payload 3 'the key was not filled in for @@SECRET_NAME@@; put it in place of the placeholder before you upload this script' }
    $key = ''
  }
  $url = 'https://' + (ConvertTo-UrlText $email) + ':' + $key + '@' + $Proxy
}
$wanted = Get-Wanted $url
if ($Variant -eq 'detect') {
  foreach ($name in $wanted.Keys) {
    $there = [Environment]::GetEnvironmentVariable($name, $Scope)
    if ($url.Contains(':@')) { $there = Remove-KeyText $there }
    if ($there -cne $wanted[$name]) {
      Write-Output "flowstate: $name differs from what is wanted"
      exit 1
    }
  }
  Write-Output 'flowstate: compliant'
  exit 0
}
Install-Variables $wanted
exit 0
